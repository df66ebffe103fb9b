import { readFile, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ARCHITECTURES } from "../../src/plan/architectures.js";
import { CrossGuest } from "../support/cross.js";
import { kdock } from "../support/kdock.js";
import { LAB, LAB_NAMES } from "../support/lab.js";

/**
 * A kernel of another architecture out of the lab's own source: the smallest that boots, for it has to be compiled. The
 * lab's own set is the current one again afterwards. Others, and larger ones: test/matrix.
 */
const ARM64 = new CrossGuest(LAB, "arm64", LAB_NAMES, {
  KDOCK_KERNEL_PRESET: "tiny",
  KDOCK_KERNEL_SET: "CONFIG_IPV6=n",
  KDOCK_GDB_LISTEN: "0",
});

const LOCK = `${LAB}/kdock.lock`;
let lock: string;

beforeAll(async () => {
  lock = await readFile(LOCK, "utf8");
  await kdock(["stop"], { cwd: LAB });
  await ARM64.ok("build", "--arch", "arm64");
});

afterAll(async () => {
  await ARM64.run("stop");
  // What the other tests have is what the lock said before.
  await writeFile(LOCK, lock);
  const { exitCode, stderr } = await kdock(["build", "--arch", "x86_64"], { cwd: LAB });
  expect(exitCode, stderr).toBe(0);
});

it("run boots what was built last, and says so", async () => {
  const { exitCode, stdout, stderr } = await ARM64.run("run", "-d", "-p", "0:9090");
  expect(exitCode, stdout + stderr).toBe(0);
  expect(stderr).toContain("architecture arm64, like the last build");
  expect(await ARM64.sh("uname -m")).toBe(`${ARCHITECTURES.arm64.machine}\n`);
  expect(await ARM64.sh("cat /proc/cmdline")).toContain("console=ttyAMA0");
  const script = await readFile(`${LAB}/.kdock/out/current/kdock.gdb`, "utf8");
  expect(script).toContain("set architecture aarch64");
});

it("is on the network, with names, and is reached through a port", async () => {
  await ARM64.reachesPeer(9090);
});

it("copies files", async () => {
  await ARM64.copies();
});

it("stops in a system call by its old name, by a debugger that knows the architecture", async () => {
  const told = await ARM64.trap("sys_newuname", "uname -a", "--bt");
  expect(told).toContain("__arm64_sys_newuname");
  expect(told).toContain("el0_svc");
  expect(await ARM64.sh("echo on")).toBe("on\n");
});

it("refuses what only another architecture has, in words", async () => {
  expect(await ARM64.run("crash", "--", "-h")).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining("crash cannot read the memory of arm64") as unknown,
  });
  expect(await ARM64.run("run", "-d", "--name", "old", "--cpu", "cortex-a15")).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining("no 64-bit mode") as unknown,
  });
});
