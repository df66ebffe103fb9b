import { copyFile, mkdtemp, readdir, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { labels, projectNames } from "../../src/core/plan/names.js";
import { docker, kdock, removeVolumes, ROOT } from "../support/kdock.js";

let folder: string;

beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "kdock-errors-")));
  // Other inputs are locked already, and need no mirror.
  await copyFile(join(ROOT, "kdock.lock"), join(folder, "kdock.lock"));
});
afterEach(async () => {
  const { id } = projectNames(folder);
  await removeVolumes(folder);
  expect(await docker("ps", "-aq", "--filter", `label=io.kdock.project=${id}`)).toBe("");
  await rm(folder, { recursive: true });
});

async function build(yaml: string, target: string) {
  await writeFile(join(folder, "kdock.yaml"), yaml);
  const outcome = await kdock(["build", target], { cwd: folder });
  // A failed build leaves no incomplete artifacts.
  const out = await readdir(join(folder, ".kdock/out"), { recursive: true }).catch(() => []);
  expect(out.filter((name) => name.includes(".tmp-") || name.includes("manifest"))).toEqual([]);
  return outcome;
}

it("a kernel version that no Debian suite has is exit code 2, with a list of existing ones", async () => {
  const { exitCode, stderr } = await build("kernel: { source: 'debian:6.99' }", "kernel");
  expect(stderr).toMatch(/no package linux-source-6\.99/);
  expect(stderr).toMatch(/debian:6\.12/);
  expect(exitCode).toBe(2);
});

it("an unmet request fails the build, with the unmet dependency", async () => {
  const { exitCode, stderr } = await build(
    "kernel: { set: { BLOCK: n, EXT4_FS: y, TCP_CONG_BBRR: y } }",
    "kernel",
  );
  expect(stderr).toMatch(/CONFIG_EXT4_FS=y {2}\(is n\)/);
  expect(stderr).toMatch(/depends on CONFIG_BLOCK \[=n\]/);
  expect(stderr).toMatch(
    /CONFIG_TCP_CONG_BBRR.*\n.*no such option; did you mean CONFIG_TCP_CONG_BBR/,
  );
  expect(exitCode).toBe(1);
});

it("a wrong checksum is reported with both sums, and leaves no artifacts", async () => {
  const wrong = "0".repeat(64);
  const { exitCode, stderr } = await build(`busybox: { sha256: "${wrong}" }`, "busybox");
  expect(stderr).toContain(wrong);
  expect(stderr).toContain("3311dff32e746499f4df0d5df04d7eb396382d7e108bb9250e7b519b837043a4");
  expect(exitCode).toBe(1);
});

it("a busybox version that does not exist is exit code 2", async () => {
  const { exitCode, stderr } = await build("busybox: { source: 'release:9.99.0' }", "busybox");
  expect(stderr).toContain("9.99.0");
  expect(exitCode).toBe(2);
});

it("a full disk is reported with a hint", async () => {
  const names = projectNames(folder);
  const volume = names.volume("build", "busybox-release:1.37.0");
  const flags = Object.entries(labels("objects", names.id)).flatMap(([k, v]) => [
    "--label",
    `${k}=${v}`,
  ]);
  await docker(
    ...["volume", "create", "--driver", "local", "--opt", "type=tmpfs", "--opt", "device=tmpfs"],
    ...["--opt", "o=size=2m,uid=1000", ...flags, volume],
  );
  const { exitCode, stderr } = await build("", "busybox");
  expect(stderr).toMatch(/No space left on device/);
  expect(stderr).toMatch(/→ .*kdock clean/);
  expect(exitCode).toBe(1);
});
