import { createHash, randomBytes } from "node:crypto";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { kdock, start } from "../support/kdock.js";
import { LAB } from "../support/lab.js";

let here: string;
const at = (...names: string[]) => join(here, ...names);
const inLab = (...args: string[]) => kdock(args, { cwd: LAB });
const cp = (from: string, to: string) => inLab("cp", from, to);
const sh = (script: string) => inLab("exec", "--", "sh", "-c", script);

beforeAll(async () => {
  here = await mkdtemp(join(tmpdir(), "kdock-cp-"));
  const { exitCode, stderr } = await inLab("run", "-d", "--gdb", "0");
  expect(exitCode, stderr).toBe(0);
});
afterAll(async () => {
  await inLab("stop");
  await rm(here, { recursive: true, force: true });
});
beforeEach(async () => {
  await rm(here, { recursive: true, force: true });
  await mkdir(here);
  await sh("rm -rf /tmp/* && mkdir -p /tmp");
});

async function expectDone(copying: Promise<{ exitCode: number | undefined; stderr: string }>) {
  const { exitCode, stderr } = await copying;
  expect(exitCode, stderr).toBe(0);
}

/** Path, kind, mode, size and link of everything, and what is in the files: by find and sha256sum of either side. */
const LIST = `find . ! -type d ! -type l -exec sha256sum {} + | sort -k 2
find . | sort | while read -r f; do
  if [ -L "$f" ]; then echo "$f -> $(readlink "$f")"; else stat -c '%n %a %F' "$f"; fi
done`;

async function makeTree(): Promise<void> {
  await mkdir(at("tree", "sub", "empty"), { recursive: true });
  await writeFile(at("tree", "run"), "#!/bin/sh\n", { mode: 0o755 });
  await writeFile(at("tree", "sub", "secret"), randomBytes(70_000), { mode: 0o600 });
  await writeFile(at("tree", "sub", "with space"), "");
  await writeFile(at("tree", "long".repeat(40)), "a name that ustar has no room for");
  await symlink("sub/secret", at("tree", "inside"));
  await symlink("/etc/passwd", at("tree", "outside"));
  await symlink("nowhere", at("tree", "dangling"));
  await chmod(at("tree", "sub"), 0o555);
}

it("brings 10 MiB there and back, to the last bit", async () => {
  const bytes = randomBytes(10 << 20);
  await writeFile(at("ten"), bytes);
  await expectDone(cp(at("ten"), ":/tmp/there"));
  const { stdout } = await sh("sha256sum /tmp/there");
  expect(stdout.split(" ")[0]).toBe(createHash("sha256").update(bytes).digest("hex"));
  await expectDone(cp("vm:/tmp/there", at("back")));
  expect((await readFile(at("back"))).equals(bytes)).toBe(true);
});

it("keeps a tree as it is, both ways: modes, links, empty folders", async () => {
  await makeTree();
  const { stdout: original } = await execa("sh", ["-c", LIST], { cwd: at("tree") });
  await expectDone(cp(at("tree"), ":/tmp"));
  const inGuest = await sh(`cd /tmp/tree && ${LIST}`);
  expect(inGuest.stdout.replaceAll("regular empty file", "regular file").trim()).toBe(
    original.replaceAll("regular empty file", "regular file"),
  );
  await expectDone(cp(":/tmp/tree", at("back")));
  const { stdout: back } = await execa("sh", ["-c", LIST], { cwd: at("back") });
  expect(back).toBe(original);
});

it("has docker cp's rules for what is there already", async () => {
  await mkdir(at("d", "e"), { recursive: true });
  await writeFile(at("d", "e", "f"), "new");
  await sh("mkdir -p /tmp/is/e /tmp/is/d/e; echo old > /tmp/is/d/e/f; echo kept > /tmp/is/d/g");
  await expectDone(cp(at("d"), ":/tmp/is"));
  await expectDone(cp(`${at("d")}/.`, ":/tmp/is"));
  await expectDone(cp(at("d"), ":/tmp/was-not"));
  const { stdout } = await sh("cd /tmp && find . -type f | sort | xargs grep .");
  expect(stdout).toBe(
    ["./is/d/e/f:new", "./is/d/g:kept", "./is/e/f:new", "./was-not/e/f:new", ""].join("\n"),
  );

  await mkdir(at("is", "was-not"), { recursive: true });
  await writeFile(at("is", "was-not", "kept"), "");
  await expectDone(cp(":/tmp/was-not", at("is")));
  await expectDone(cp(":/tmp/is/.", at("is")));
  await expectDone(cp(":/tmp/is/d/g", at("is")));
  expect((await readdir(at("is"))).sort()).toEqual(["d", "e", "g", "was-not"]);
  expect((await readdir(at("is", "was-not"))).sort()).toEqual(["e", "kept"]);
});

it("takes every name that is UTF-8, alone and in a tree", async () => {
  const names = ["-rf", "new\nline", "two  spaces", "日本", "quo'te\"", "back\\slash", "co:lon"];
  await mkdir(at("odd"));
  for (const name of names) await writeFile(at("odd", name), name);
  await writeFile(at("odd", "empty"), "");
  await symlink("loop-b", at("odd", "loop-a"));
  await symlink("loop-a", at("odd", "loop-b"));
  await expectDone(cp(at("odd"), ":/tmp"));
  await expectDone(cp(":/tmp/odd", at("back")));
  await execa("diff", ["-r", "--no-dereference", at("odd"), at("back")]);
  await expectDone(cp(at("odd", "new\nline"), ":/tmp/-f"));
  await expectDone(cp(":/tmp/-f", at("odd", "-f")));
  expect(await readFile(at("odd", "-f"), "utf8")).toBe("new\nline");

  await sh(`touch "$(printf '/tmp/odd/x\\377')"`);
  const { exitCode, stderr } = await cp(":/tmp/odd", at("bytes"));
  expect(stderr).toMatch(/whose name is not UTF-8/);
  expect(exitCode).toBe(3);
  expect((await readdir(here)).sort()).toEqual(["back", "odd"]);
});

it("reads what /proc has, which has no size until it is read", async () => {
  await expectDone(cp(":/proc/version", here));
  expect(await readFile(at("version"), "utf8")).toMatch(/^Linux version/);
});

it.each([
  ["a source that is not there", () => [at("none"), ":/tmp"], /there is no .*none\n/, 2],
  ["a source in the guest that is not there", () => [":/none", here], /there is no \/none in/, 2],
  [
    "a folder to copy into that is not there",
    () => [LAB + "/LICENSE", ":/no/where"],
    /there is no folder \/no/,
    2,
  ],
  [
    "a folder here that is not there",
    () => [":/etc/passwd", at("no", "f")],
    /there is no folder .*no/,
    2,
  ],
  ["a folder onto a file", () => [here, ":/etc/passwd"], /\/etc\/passwd is a file/, 2],
  ["a device", () => [":/dev/console", here], /is a device, socket or pipe/, 2],
  ["a tree with a device in it", () => [":/dev", at("dev")], /which is a character-device/, 3],
  ["to replace the guest's /dev/null", () => [LAB + "/LICENSE", ":/dev/null"], /is a device/, 2],
  ["a file that cannot be read", () => ["/proc/self/mem", ":/tmp/mem"], /cannot read/, 2],
  ["one in the guest", () => [":/proc/1/mem", at("mem")], /I\/O error/, 1],
  ["a relative path", () => [LAB + "/LICENSE", "vm:LICENSE"], /begins with \//, 2],
  ["no guest at all", () => ["a", "b"], /neither is/, 2],
])("refuses %s, and leaves nothing behind", async (_what, paths, message, code) => {
  const [from = "", to = ""] = paths();
  const { exitCode, stderr } = await cp(from, to);
  expect(stderr).toMatch(message);
  expect(exitCode).toBe(code);
  expect(await readdir(here)).toEqual([]);
});

it("replaces no pipe here, and no link to a device", async () => {
  await execa("mkfifo", [at("pipe")]);
  await symlink("/dev/null", at("null"));
  await symlink("/proc/self/fd/1", at("stdout"));
  for (const name of ["pipe", "null", "stdout"]) {
    const { exitCode, stderr } = await cp(":/etc/passwd", at(name));
    expect(stderr).toMatch(/is a device, socket or pipe/);
    expect(exitCode).toBe(2);
  }
  expect((await readdir(here)).sort()).toEqual(["null", "pipe", "stdout"]);
});

it("says that the guest is full, and leaves nothing there", async () => {
  await sh("mkdir /tmp/small && mount -t tmpfs -o size=1m none /tmp/small");
  await writeFile(at("big"), randomBytes(3 << 20));
  await mkdir(at("tree"));
  await writeFile(at("tree", "big"), randomBytes(3 << 20));
  for (const what of ["big", "tree"]) {
    const { exitCode, stderr } = await cp(at(what), ":/tmp/small");
    expect(stderr).toMatch(/No space left on device/);
    expect(exitCode).toBe(1);
  }
  expect((await sh("ls -A /tmp/small; umount /tmp/small")).stdout).toBe("");
});

it("says that the guest has no tar, and copies files without it", async () => {
  await mkdir(at("tree"));
  await writeFile(at("file"), "text");
  await sh("mv $(which tar) /tmp/tar.away");
  try {
    const { exitCode, stderr } = await cp(at("tree"), ":/tmp");
    expect(stderr).toMatch(/the guest has no tar/);
    expect(exitCode).toBe(1);
    await expectDone(cp(at("file"), ":/tmp/file"));
  } finally {
    await sh("mv /tmp/tar.away /bin/tar");
  }
});

it("leaves nothing behind, on either side, when it is interrupted", async () => {
  await sh("head -c 60000000 /dev/zero > /tmp/zeros");
  await writeFile(at("zeros"), Buffer.alloc(60_000_000));
  for (const [from, to] of [
    [":/tmp/zeros", at("copy")],
    [at("zeros"), ":/tmp/copy"],
  ] as const) {
    const copying = start(["cp", from, to], { cwd: LAB });
    // It tells of large copies once eight megabytes have passed.
    await new Promise((resolve) => copying.stderr.once("data", resolve));
    copying.kill("SIGINT");
    expect((await copying).exitCode).toBe(130);
  }
  expect(await readdir(here)).toEqual(["zeros"]);
  await expect
    .poll(async () => (await sh("ls -A /tmp")).stdout, { timeout: 10_000 })
    .toBe("zeros\n");
});
