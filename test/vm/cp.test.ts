import { createHash, randomBytes } from "node:crypto";
import {
  chmod,
  link,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
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

/** Lists path, type, mode and link of everything, and the files' checksums. */
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

it("copies 10 MiB into the guest and back unchanged", async () => {
  const bytes = randomBytes(10 << 20);
  await writeFile(at("ten"), bytes);
  await expectDone(cp(at("ten"), ":/tmp/there"));
  const { stdout } = await sh("sha256sum /tmp/there");
  expect(stdout.split(" ")[0]).toBe(createHash("sha256").update(bytes).digest("hex"));
  await expectDone(cp("vm:/tmp/there", at("back")));
  expect((await readFile(at("back"))).equals(bytes)).toBe(true);
});

it("keeps modes, links and empty folders of a tree in both directions", async () => {
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

it("follows docker cp's rules for existing targets", async () => {
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

it("copies files with any UTF-8 name, alone and in a tree", async () => {
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
  expect(stderr).toMatch(/1 file of \/tmp\/odd could not be copied; the other \d+ are in .*bytes/);
  expect(stderr).toMatch(/whose name is not UTF-8/);
  expect(exitCode).toBe(1);
  await execa("rm", [at("odd", "-f")]);
  await execa("diff", ["-r", "--no-dereference", at("odd"), at("bytes")]);
});

it("copies a file of /proc, whose size is 0", async () => {
  await expectDone(cp(":/proc/version", here));
  expect(await readFile(at("version"), "utf8")).toMatch(/^Linux version/);
});

/** Prints all files below a folder, in the guest and on the host. */
const CAT = 'find . -type f | sort | while read -r f; do echo "$f: $(cat "$f")"; done';

it("copies folders of /proc and /sys, whose files' sizes are wrong", async () => {
  await expectDone(cp(":/proc/sys/kernel/random", at("random")));
  expect(await readFile(at("random", "uuid"), "utf8")).toMatch(/^[0-9a-f-]{36}\n$/);
  const there = await sh("cat /proc/sys/kernel/random/poolsize /proc/sys/kernel/random/boot_id");
  expect(
    (await readFile(at("random", "poolsize"), "utf8")) +
      (await readFile(at("random", "boot_id"), "utf8")),
  ).toBe(there.stdout);
  await expectDone(cp(":/sys/class/net/lo/statistics", at("statistics")));
  const { stdout } = await sh(`cd /sys/class/net/lo/statistics && ${CAT}`);
  expect(stdout).toContain("./rx_bytes: ");
  expect((await execa("sh", ["-c", CAT], { cwd: at("statistics") })).stdout).toBe(stdout.trim());
});

it("lists unreadable files, and copies the rest", async () => {
  const { exitCode, stderr, stdout } = await inLab("--json", "cp", ":/sys/class/net/lo/", at("lo"));
  expect(exitCode, stderr).toBe(1);
  const events = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { type: string });
  const result = events.find(({ type }) => type === "result") as unknown as {
    data: { leftOut: { path: string; why: string }[] };
  };
  expect(result.data.leftOut).toContainEqual({ path: "speed", why: "Invalid argument" });
  expect(events.at(-1)).toMatchObject({
    type: "error",
    message: expect.stringContaining("  speed: Invalid argument") as string,
  });
  expect(await readFile(at("lo", "mtu"), "utf8")).toBe("65536\n");
  expect(await readdir(at("lo"))).not.toContain("speed");
});

it("skips a file that does not end, and the guest serves other commands meanwhile and afterwards", async () => {
  const tracing = "/sys/kernel/debug/tracing/per_cpu/cpu0";
  const copying = cp(`:${tracing}`, at("cpu0"));
  expect((await sh("echo served")).stdout).toBe("served\n");
  const folder = await copying;
  expect(folder.stderr).toMatch(/ {2}trace_pipe: it does not end/);
  expect(folder.exitCode).toBe(1);
  expect(await readFile(at("cpu0", "buffer_size_kb"), "utf8")).toMatch(/^\d+/);
  const file = await cp(`:${tracing}/trace_pipe`, at("alone"));
  expect(file.stderr).toMatch(/trace_pipe of the guest does not end: it gave \d+ bytes/);
  expect(file.exitCode).toBe(1);
  expect(await readdir(here)).toEqual(["cpu0"]);
  expect((await sh("pidof dd cat")).stdout).toBe("");
});

/** The same tree on tmpfs, and with a mount of /proc in it, whose files have no size. */
it.each([
  ["a tree", ""],
  ["a tree with files of /proc in it", "mkdir p && mount --bind /proc/sys/kernel/random p"],
])("keeps hard links, modes, links and names of %s", async (_what, more) => {
  await sh(`mkdir /tmp/t && cd /tmp/t && mkdir -m 700 d && echo one >d/one && ln d/one two && ln d/one /tmp/outside
echo three >three && ln three /tmp/three && chmod 4755 d/one && chmod 400 three && mkdir -m 555 shut && mkdir empty
echo odd >"$(printf 'new\nline')" && ln -s /etc/passwd out && ln -s "$(printf 'a\nb')" lines && mkfifo pipe
${more}`);
  const { exitCode, stderr } = await cp(":/tmp/t", at("t"));
  expect(stderr).toMatch(/1 file of \/tmp\/t could not be copied.*\n {2}pipe: which is a fifo\n$/s);
  expect(exitCode).toBe(1);
  await sh("cd / && { umount /tmp/t/p; rm -rf /tmp/t; }");
  const facts = async (path: string) => {
    const { ino, nlink, mode } = await lstat(at("t", path));
    return { ino, nlink, mode: mode & 0o7777 };
  };
  const { ino } = await facts("two");
  // The setuid bit is dropped.
  expect(await facts("d/one")).toEqual({ ino, nlink: 2, mode: 0o755 });
  expect(await facts("three")).toMatchObject({ nlink: 1, mode: 0o400 });
  expect((await facts("d")).mode).toBe(0o700);
  expect((await facts("shut")).mode).toBe(0o555);
  expect(await readdir(at("t", "empty"))).toEqual([]);
  expect(await readFile(at("t", "new\nline"), "utf8")).toBe("odd\n");
  expect(await readlink(at("t", "out"))).toBe("/etc/passwd");
  expect(await readlink(at("t", "lines"))).toBe("a\nb");
  if (more !== "") expect(await readFile(at("t", "p", "poolsize"), "utf8")).toBe("256\n");
});

it("skips a fifo with all its hard links, and copies the rest", async () => {
  await sh("mkdir /tmp/t && cd /tmp/t && mkfifo pipe && ln pipe again && echo kept >kept");
  const { exitCode, stderr } = await cp(":/tmp/t", at("t"));
  expect(stderr).toMatch(/2 files of \/tmp\/t could not be copied/);
  expect(exitCode).toBe(1);
  expect(await readdir(at("t"))).toEqual(["kept"]);
});

it("reports a damaged archive from the guest with a hint", async () => {
  await sh(`mkdir /tmp/t && mv $(which tar) /tmp/tar.away
printf '#!/bin/sh\nhead -c 5000 /dev/urandom\n' >/bin/tar && chmod +x /bin/tar`);
  const { exitCode, stderr } = await cp(":/tmp/t", at("t"));
  await sh("mv -f /tmp/tar.away /bin/tar");
  expect(stderr).toMatch(/the archive from the guest is damaged: .*\n→ Copy its subfolders/);
  expect(exitCode).toBe(1);
  expect(await readdir(here)).toEqual([]);
});

it("keeps hard links and modes into the guest, reads the host's /proc, and lists special files", async () => {
  await mkdir(at("t", "d"), { recursive: true, mode: 0o700 });
  await writeFile(at("t", "one"), "one");
  await link(at("t", "one"), at("t", "d", "two"));
  await chmod(at("t", "one"), 0o4755);
  await execa("mkfifo", [at("t", "pipe")]);
  const { exitCode, stderr } = await cp(at("t"), ":/tmp/t");
  expect(stderr).toMatch(
    /1 file of .*could not be copied.*\n {2}pipe: it is a device, socket or pipe/s,
  );
  expect(exitCode).toBe(1);
  const { stdout } = await sh("cd /tmp/t && stat -c '%a %h %n' d one d/two && cat d/two && ls");
  expect(stdout).toMatch(/^7\d\d \d d\n4755 2 one\n4755 2 d\/two\noned\none\n$/);
  await expectDone(cp("/proc/sys/kernel/random", ":/tmp/random"));
  expect((await sh("cat /tmp/random/boot_id")).stdout).toBe(
    await readFile("/proc/sys/kernel/random/boot_id", "utf8"),
  );
});

/** Mounts an NTFS image with an option for the tests of a `describe`. */
function useNtfs(option: string): () => string {
  const image = () => `${here}.${option}-image`;
  const folder = () => `${here}.${option}`;
  beforeAll(async () => {
    await rm(folder(), { recursive: true, force: true });
    await mkdir(folder());
    await execa("truncate", ["-s", "20M", image()]);
    await execa("mkntfs", ["-F", "-Q", image()]);
    await execa("lowntfs-3g", ["-o", option, image(), folder()]);
  });
  afterAll(async () => {
    await execa("umount", [folder()]);
    await rm(folder(), { recursive: true });
    await rm(image());
  });
  return folder;
}

describe("to a case-insensitive file system", () => {
  const folded = useNtfs("ignore_case");
  const outside = () => at("outside");

  beforeEach(async () => {
    await mkdir(outside());
    await execa("find", [folded(), "-mindepth", "1", "-delete"]);
  });

  it("the file system follows a link with a name of another case", async () => {
    await symlink(outside(), join(folded(), "x"));
    await writeFile(join(folded(), "X", "file"), "led");
    expect(await readdir(outside())).toEqual(["file"]);
  });

  it.each([
    ["", "ln -s OUTSIDE x; mkdir X; echo led >X/file"],
    ["", "mkdir X; echo led >X/file; ln -s OUTSIDE x"],
    ["", "mkdir -p d/X; ln -s OUTSIDE d/x; ln -s led d/X/file"],
    [
      "with files of /proc, ",
      "mkdir p X; mount --bind /proc/sys/kernel/random p; echo led >X/file; ln -s OUTSIDE x",
    ],
  ])("%sa guest's link cannot redirect files: %s", async (_what, make) => {
    await sh(`mkdir /tmp/t && cd /tmp/t && ${make.replaceAll("OUTSIDE", outside())}`);
    const { exitCode, stderr } = await cp(":/tmp/t", join(folded(), "t"));
    await sh("umount /tmp/t/p");
    expect(stderr).toMatch(
      /"(?:d\/)?[xX]" and "(?:d\/)?[xX]" are one name on the target's file system/,
    );
    expect(exitCode).toBe(3);
    expect(await readdir(outside())).toEqual([]);
    expect(await readdir(folded())).toEqual([]);
  });

  it("two names that differ in case are an error that lists both; other trees are copied", async () => {
    await sh("mkdir -p /tmp/t/sub && cd /tmp/t && echo 1 >sub/Readme && echo 2 >sub/README");
    const { exitCode, stderr } = await cp(":/tmp/t", join(folded(), "t"));
    expect(stderr).toMatch(/"sub\/R\w+" and "sub\/R\w+" are one name/);
    expect(exitCode).toBe(3);
    expect(await readdir(folded())).toEqual([]);
    await sh(
      "rm /tmp/t/sub/README && ln -s sub/Readme /tmp/t/link && ln /tmp/t/sub/Readme /tmp/t/hard",
    );
    await expectDone(cp(":/tmp/t", join(folded(), "t")));
    expect(await readFile(join(folded(), "t", "link"), "utf8")).toBe("1\n");
    expect(await readFile(join(folded(), "T", "HARD"), "utf8")).toBe("1\n");
  });
});

describe("to a file system that does not allow every name", () => {
  const windows = useNtfs("windows_names");

  it("lists the files of a folder that were skipped, and copies the rest", async () => {
    await sh("mkdir -p /tmp/t/c:d && cd /tmp/t && echo 1 >a:b && echo 2 >c:d/e && echo 3 >ok");
    const { exitCode, stderr } = await cp(":/tmp/t", join(windows(), "t"));
    expect(stderr).toContain('  a:b: the file system there has no names like "a:b"\n');
    expect(stderr).toContain('  c:d/e: the file system there has no names like "c:d"\n');
    expect(stderr).not.toContain(".kdock-cp");
    expect(exitCode).toBe(1);
    expect(await readdir(join(windows(), "t"))).toEqual(["ok"]);
  });

  it("reports why a single file cannot be written", async () => {
    await sh("echo 1 >/tmp/a:b");
    const { exitCode, stderr } = await cp(":/tmp/a:b", windows());
    expect(stderr).toContain(`cannot write ${windows()}/a:b: the file system there has no names`);
    expect(exitCode).toBe(3);
    expect(await readdir(windows())).toEqual(["t"]);
  });
});

it.each([
  ["a missing source", () => [at("none"), ":/tmp"], /there is no .*none\n/, 2],
  ["a missing source in the guest", () => [":/none", here], /there is no \/none in/, 2],
  [
    "a missing target folder in the guest",
    () => [LAB + "/LICENSE", ":/no/where"],
    /there is no folder \/no/,
    2,
  ],
  [
    "a missing target folder on the host",
    () => [":/etc/passwd", at("no", "f")],
    /there is no folder .*no/,
    2,
  ],
  ["a folder onto a file", () => [here, ":/etc/passwd"], /\/etc\/passwd is a file/, 2],
  ["a device", () => [":/dev/console", here], /is a device, socket or pipe/, 2],
  ["to replace the guest's /dev/null", () => [LAB + "/LICENSE", ":/dev/null"], /is a device/, 2],
  ["an unreadable file", () => ["/proc/self/mem", ":/tmp/mem"], /cannot read/, 2],
  ["an unreadable file in the guest", () => [":/proc/1/mem", at("mem")], /I\/O error/, 1],
  ["a relative path", () => [LAB + "/LICENSE", "vm:LICENSE"], /begins with \//, 2],
  ["two paths on the host", () => ["a", "b"], /neither is/, 2],
])("rejects %s, and leaves no files", async (_what, paths, message, code) => {
  const [from = "", to = ""] = paths();
  const { exitCode, stderr } = await cp(from, to);
  expect(stderr).toMatch(message);
  expect(exitCode).toBe(code);
  expect(await readdir(here)).toEqual([]);
});

it("does not replace a fifo or a link to a device on the host", async () => {
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

it("reports a full file system in the guest, and leaves no files there", async () => {
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

it("reports a guest without tar, and copies single files without it", async () => {
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

it("leaves no files on either side when it is interrupted", async () => {
  await sh("head -c 60000000 /dev/zero > /tmp/zeros");
  await writeFile(at("zeros"), Buffer.alloc(60_000_000));
  for (const [from, to] of [
    [":/tmp/zeros", at("copy")],
    [at("zeros"), ":/tmp/copy"],
  ] as const) {
    const copying = start(["cp", from, to], { cwd: LAB });
    // Progress is printed after the first eight megabytes.
    await new Promise((resolve) => copying.stderr.once("data", resolve));
    copying.kill("SIGINT");
    expect((await copying).exitCode).toBe(130);
  }
  expect(await readdir(here)).toEqual(["zeros"]);
  await expect
    .poll(async () => (await sh("ls -A /tmp")).stdout, { timeout: 10_000 })
    .toBe("zeros\n");
});
