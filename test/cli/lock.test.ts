import { chmod, mkdir, mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseLock, printLock } from "../../src/build/lock/lock-text.js";
import { projectNames } from "../../src/core/plan/names.js";
import { docker, kdock, removeVolumes } from "../support/kdock.js";

/** A project with a locked busybox; each test restores the lock. */
let folder: string;
const LOCK = "kdock.lock";
const YAML = "busybox: { fragments: [bb.config] }\nrootfs: { overlay: ./rootfs }\n";

const file = (name: string) => join(folder, name);
const lockText = () => readFile(file(LOCK), "utf8");
const inFolder = (...args: string[]) => kdock(args, { cwd: folder });

beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "kdock-lock-")));
  await mkdir(file("rootfs/etc"), { recursive: true });
  await writeFile(file("rootfs/etc/motd"), "hello\n");
  await writeFile(file("bb.config"), "CONFIG_NC=y\n");
  await writeFile(file("kdock.yaml"), YAML);
  const built = await inFolder("build", "rootfs");
  expect(built.stderr).not.toContain("error:");
  expect(built.exitCode).toBe(0);
});
afterAll(async () => {
  await removeVolumes(folder);
  await rm(folder, { recursive: true });
});

it("the first build pins every package, source and configuration", async () => {
  const lock = parseLock(await lockText(), LOCK);
  expect(Object.keys(lock.images)).toEqual(["busybox", "gdb", "kernel gcc-14", "vm"]);
  expect(lock.images["vm"]?.packages["qemu-system-x86"]).toMatch(/^1:\d/);
  expect(lock.bases["trixie"]?.packages["libc6"]).toMatch(/^2\.\d/);
  expect(lock.sources["busybox release:1.37.0"]?.signedBy).toBe("pinned:kdock");
  expect(lock.sources["kernel debian:6.12"]?.signedBy).toMatch(/^debian:[0-9A-F]{40}/);
  expect(lock.stages.busybox?.config).toMatch(/^[\da-f]{64}$/);
  // The kernel was not built: only its configuration is resolved.
  expect((await inFolder("lock")).stdout).toMatch(/^kernel: final \.config [\da-f]{16}…\n$/);
  // Locking again changes nothing.
  const before = await lockText();
  expect(parseLock(before, LOCK).stages.kernel?.config).toMatch(/^[\da-f]{64}$/);
  expect((await inFolder("lock")).stdout).toBe("kdock.lock is up to date\n");
  expect(await lockText()).toBe(before);
});

describe("build --frozen", () => {
  it("passes if nothing changed, and needs no engine", async () => {
    const frozen = await kdock(["build", "rootfs", "--frozen"], {
      cwd: folder,
      env: { DOCKER_HOST: "unix:///nowhere.sock" },
    });
    expect(frozen.stderr).not.toContain("error:");
    expect(frozen.exitCode).toBe(0);
  });

  it.each([
    ["bb.config", "CONFIG_NC=y\n# more\n", /busybox: fragment bb\.config changed/],
    ["rootfs/etc/motd", "goodbye\n", /rootfs: overlay etc\/motd changed/],
    ["kdock.yaml", `${YAML}kernel: { preset: tiny }\n`, /kernel: preset: debug → tiny/],
    [
      "kdock.yaml",
      `${YAML}kernel: { source: 'debian:6.1' }\n`,
      /source kernel debian:6\.1: not locked/,
    ],
  ])("reports a changed %s and writes nothing", async (name, text, message) => {
    const [before, lock] = [await readFile(file(name), "utf8"), await lockText()];
    await writeFile(file(name), text);
    try {
      const { exitCode, stderr } = await inFolder("build", "--frozen");
      expect(stderr).toMatch(message);
      expect(exitCode).toBe(2);
      expect(await lockText()).toBe(lock);
    } finally {
      await writeFile(file(name), before);
    }
  });

  it.each(["images/kernel/build.sh", "Dockerfile.busybox"])(
    "names kdock's own %s when it is another one than was locked",
    async (path) => {
      const text = await lockText();
      const lock = parseLock(text, LOCK);
      await writeFile(
        file(LOCK),
        printLock({ ...lock, files: { ...lock.files, [path]: "0".repeat(64) } }),
      );
      const { exitCode, stderr } = await inFolder("build", "--frozen");
      await writeFile(file(LOCK), text);
      expect(stderr).toContain(`kdock's own ${path} changed`);
      expect(exitCode).toBe(2);
    },
  );

  it("requires a lock", async () => {
    const empty = await mkdtemp(join(folder, "empty-"));
    const { exitCode, stderr } = await kdock(["build", "--frozen"], { cwd: empty });
    expect(stderr).toMatch(/there is no kdock\.lock.*→ Run `kdock lock`/s);
    expect(exitCode).toBe(2);
  });
});

it("a package version that is not available any more is reported, with the current one", async () => {
  const text = await lockText();
  const lock = parseLock(text, LOCK);
  const vm = lock.images["busybox"];
  if (vm === undefined) throw new Error("busybox is not locked");
  const packages = { ...vm.packages, make: "1.0-1" };
  await writeFile(
    file(LOCK),
    printLock({ ...lock, images: { ...lock.images, busybox: { ...vm, packages } } }),
  );
  const { exitCode, stderr } = await inFolder("build", "busybox");
  await writeFile(file(LOCK), text);
  expect(stderr).toMatch(/has changed since kdock\.lock was written:\n {2}make 1\.0-1 → \d/);
  expect(stderr).toMatch(/→ Run `kdock lock --update`/);
  expect(exitCode).toBe(3);
});

it.each([
  [
    "a conflict",
    (text: string) => text.replace("images:", "<<<<<<< HEAD\nimages:"),
    /kdock\.lock:\d+: a merge/,
  ],
  [
    "a file cut off",
    (text: string) => text.slice(0, text.length / 2),
    /kdock\.lock:\d+: .*cut off/,
  ],
  [
    "a newer format",
    (text: string) => text.replace("format: 1", "format: 9"),
    /kdock\.lock:\d+: format 9/,
  ],
  [
    "an edited version",
    (text: string) => text.replace("version: 1.37.0", "version: 1.36.0"),
    /kdock\.lock:\d+: .*checksum/,
  ],
])("%s in kdock.lock is exit code 2, and the file is unchanged", async (_what, spoil, message) => {
  const text = await lockText();
  const spoilt = spoil(text);
  await writeFile(file(LOCK), spoilt);
  try {
    for (const command of [["build"], ["lock", "--update"], ["plan"]]) {
      const { exitCode, stderr } = await inFolder(...command);
      expect(stderr).toMatch(message);
      expect(exitCode).toBe(2);
      expect(await lockText()).toBe(spoilt);
    }
    // Commands that do not need the lock work.
    expect((await inFolder("ps")).exitCode).toBe(0);
  } finally {
    await writeFile(file(LOCK), text);
  }
});

describe("verify", () => {
  it("builds busybox and the initramfs again under other conditions, byte for byte", async () => {
    const { exitCode, stdout, stderr } = await inFolder("verify", "--stage", "busybox", "rootfs");
    expect(stderr).not.toContain("error:");
    expect(stdout).toMatch(/^busybox .* all equal/m);
    expect(stdout).toMatch(/^rootfs .* all equal/m);
    expect(stdout).toMatch(/reproducible: every file is the same/);
    expect(exitCode).toBe(0);
    const { id } = projectNames(folder);
    const left = await docker("volume", "ls", "-q", "--filter", `label=io.kdock.project=${id}`);
    expect(left).not.toContain("verify");
  });

  it("compares with another manifest, and reports differences", async () => {
    const manifest = file(".kdock/out/current-busybox.json");
    const { stdout } = await inFolder("build", "busybox", "--json");
    const result = stdout
      .split("\n")
      .filter(Boolean)
      .map(
        (line) =>
          JSON.parse(line) as { type: string; data?: { manifests: { busybox: Colleague } } },
      )
      .find(({ type }) => type === "result");
    const theirs = result?.data?.manifests.busybox;
    if (theirs === undefined) throw new Error("no manifest");
    await writeFile(manifest, JSON.stringify(theirs));
    expect((await inFolder("verify", "--manifest", manifest)).exitCode).toBe(0);
    const files = theirs.files.map((f) => (f.path === "busybox" ? { ...f, sha256: "0" } : f));
    await writeFile(manifest, JSON.stringify({ ...theirs, files }));
    const other = await inFolder("verify", "--manifest", manifest);
    expect(other.stdout).toMatch(/busybox: 1 of \d+ files differ\n {2}busybox\n/);
    expect(other.exitCode).toBe(1);
  });
});

interface Colleague {
  readonly files: readonly { readonly path: string; readonly sha256: string }[];
}

it("projects in other folders, with another umask, have the same keys and bytes", async () => {
  const other = await realpath(await mkdtemp(join(tmpdir(), "kdock-other-place-")));
  try {
    // As with umask 002; a mode without permissions for others, as with umask 077, is kept on purpose.
    await mkdir(join(other, "rootfs/etc"), { recursive: true });
    await writeFile(join(other, "rootfs/etc/motd"), "hello\n");
    await chmod(join(other, "rootfs/etc"), 0o775);
    await chmod(join(other, "rootfs/etc/motd"), 0o664);
    await writeFile(join(other, "bb.config"), "CONFIG_NC=y\n");
    await writeFile(join(other, "kdock.yaml"), YAML);
    await writeFile(join(other, LOCK), await lockText());
    const frozen = await kdock(["build", "rootfs", "--frozen", "--jobs", "1"], { cwd: other });
    // --jobs does not affect artifacts, and is not a difference.
    expect(frozen.stderr).not.toContain("error:");
    expect(frozen.exitCode).toBe(0);
    const manifests = await Promise.all(
      [folder, other].map(async (cwd) => {
        const { stdout } = await kdock(["plan", "--json"], { cwd });
        const { key } = (JSON.parse(stdout) as { data: { rootfs: { key: string } } }).data.rootfs;
        return readFile(join(cwd, `.kdock/out/rootfs/${key}/manifest.json`), "utf8");
      }),
    );
    expect(manifests[0]).toBe(manifests[1]);
  } finally {
    await removeVolumes(other);
    await rm(other, { recursive: true });
  }
});

it("sbom prints a CycloneDX document for a complete set", async () => {
  const { exitCode, stderr } = await inFolder("sbom");
  expect(stderr).toMatch(/→ /);
  expect(exitCode).toBe(2);
});
