import { readFile, rm } from "node:fs/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ARCHITECTURES } from "../../src/core/plan/architectures.js";
import { DEFAULT_VM, projectNames } from "../../src/core/plan/names.js";
import { CrossGuest } from "../support/cross.js";
import { removeVolumes } from "../support/kdock.js";
import { labSide } from "../support/lab.js";

/**
 * A kernel of another architecture, with the lab's lock: the smallest that boots, since it is compiled here. Others, and
 * larger ones: test/matrix.
 */
let arm64: CrossGuest;

beforeAll(async () => {
  const folder = await labSide(
    "arm64",
    "gdb: { listen: 0 }\nkernel: { preset: tiny, set: { IPV6: n } }\n",
  );
  const names = projectNames(folder);
  const own = { vmContainer: names.vmContainer(DEFAULT_VM), network: names.network };
  arm64 = new CrossGuest(folder, "arm64", own);
  await arm64.ok("build", "--arch", "arm64");
});

afterAll(async () => {
  await arm64.run("stop");
  await arm64.run("clean");
  await removeVolumes(arm64.folder);
  await rm(arm64.folder, { recursive: true });
});

it("run boots the architecture of the last build, and prints that", async () => {
  const { exitCode, stdout, stderr } = await arm64.run("run", "-d", "-p", "0:9090");
  expect(exitCode, stdout + stderr).toBe(0);
  expect(stderr).toContain("architecture arm64, like the last build");
  expect(await arm64.sh("uname -m")).toBe(`${ARCHITECTURES.arm64.machine}\n`);
  expect(await arm64.sh("cat /proc/cmdline")).toContain("console=ttyAMA0");
  const script = await readFile(`${arm64.folder}/.kdock/out/current/kdock.gdb`, "utf8");
  expect(script).toContain("set architecture aarch64");
});

it("an arm64 guest has network, names and published ports", async () => {
  await arm64.reachesPeer(9090);
});

it("cp copies files", async () => {
  await arm64.copies();
});

it("trap stops in a system call by its old name", async () => {
  const output = await arm64.trap("sys_newuname", "uname -a", "--bt");
  expect(output).toContain("__arm64_sys_newuname");
  expect(output).toContain("el0_svc");
  expect(await arm64.sh("echo on")).toBe("on\n");
});

it("crash and --cpu reject what the architecture does not support", async () => {
  expect(await arm64.run("crash", "--", "-h")).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining("crash cannot read the memory of arm64") as unknown,
  });
  expect(await arm64.run("run", "-d", "--name", "old", "--cpu", "cortex-a15")).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining("no 64-bit mode") as unknown,
  });
});
