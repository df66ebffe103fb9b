import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { projectNames } from "../../src/core/plan/names.js";
import { docker, kdock } from "../support/kdock.js";
import { inGuest, LAB, withGuest } from "../support/lab.js";

/** In the lab's folder: the same project and artifacts, with two VMs. */
const FILE = `shape-${process.pid}.yaml`;
const NAMES = projectNames(LAB);
const here = (...args: readonly string[]) => kdock(["-c", FILE, ...args], { cwd: LAB });
const guest = (vm: string, script: string) =>
  withGuest(NAMES.vmContainer(vm), (session) => inGuest(session, script));

async function shape(...args: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await here("net", "shape", ...args);
  expect(exitCode, stderr).toBe(0);
  return stdout.trim();
}

/** busybox's ping statistics, with the shortest round trip in milliseconds. */
async function ping(vm: string, to: string, count: number, options = "-i 0.2 -W 2") {
  const { stdout } = await guest(vm, `ping -c ${count} ${options} ${to}`);
  const received = Number(/(\d+) packets received/.exec(stdout)?.[1]);
  const shortest = Number(/= ([\d.]+)\//.exec(stdout)?.[1]);
  return { received, shortest, doubles: stdout.split("DUP!").length - 1 };
}

beforeAll(async () => {
  await kdock(["down"], { cwd: LAB });
  await writeFile(join(LAB, FILE), "gdb: { listen: 0 }\nvms:\n  a:\n  b: { memory: 256M }\n");
  const { exitCode, stderr } = await here("up");
  expect(exitCode, stderr).toBe(0);
});

afterEach(async () => {
  expect(await shape("a", "off")).toBe("a: not shaped");
});

afterAll(async () => {
  await here("down");
  await rm(join(LAB, FILE));
});

it("a delay applies to frames to that guest only", async () => {
  expect(await shape("a", "delay 100ms")).toMatch(/^a: delay 100(\.0)?ms /);
  expect((await ping("a", "10.0.3.1", 3)).shortest).toBeGreaterThanOrEqual(100);
  // Replies from b to a are delayed, and so are requests from b.
  expect((await ping("a", "b", 3)).shortest).toBeGreaterThanOrEqual(100);
  expect((await ping("b", "a", 3)).shortest).toBeGreaterThanOrEqual(100);
  expect((await ping("b", "10.0.3.254", 5)).shortest).toBeLessThan(100);
  expect(await shape("b")).toBe("b: not shaped");
});

it("lost frames are reported by net check, and arrive again after off", async () => {
  expect(await shape("a", "loss", "100%")).toMatch(/^a: loss 100% /);
  expect((await ping("a", "10.0.3.1", 2, "-i 0.2 -W 1")).received).toBe(0);
  const { exitCode, stdout } = await here("net", "check", "--vm", "a");
  expect(exitCode).toBe(1);
  expect(stdout).toContain("frames to the guest are shaped: loss 100%");
  expect(stdout).toContain("→ `kdock net shape --vm a off`");
  await shape("a", "off");
  expect((await ping("a", "10.0.3.1", 3)).received).toBe(3);
  expect((await ping("a", "b", 3)).shortest).toBeLessThan(100);
});

it("frames are duplicated", async () => {
  await shape("a", "duplicate 100%");
  expect((await ping("a", "10.0.3.1", 4)).doubles).toBeGreaterThanOrEqual(3);
});

it("a rate is limited", async () => {
  const bytes = 250_000;
  const server = `socat -u 'SYSTEM:head -c ${bytes} /dev/zero' TCP-LISTEN:7777,reuseaddr`;
  const receive = async () => {
    await docker("exec", "-d", NAMES.vmContainer("a"), "sh", "-c", server);
    const script = `until nc 10.0.3.1 7777 </dev/null >/tmp/got && [ -s /tmp/got ]; do sleep 0.05; done
      wc -c </tmp/got`;
    const begun = performance.now();
    expect(Number((await guest("a", script)).stdout)).toBe(bytes);
    return (performance.now() - begun) / 1000;
  };
  await shape("a", "rate 1mbit");
  const seconds = (bytes * 8) / 1e6;
  expect(await receive()).toBeGreaterThan(seconds * 0.9);
  await shape("a", "off");
  expect(await receive()).toBeLessThan(seconds);
});

it("invalid parameters are rejected with tc's message, and the previous shaping is kept", async () => {
  const before = await shape("a", "delay", "30ms", "10ms", "loss", "1%");
  for (const [words, message] of [
    ["delay banana", 'Illegal "latency"'],
    ["loss 200%", 'Illegal "loss percent"'],
    ["delay 10ms frobnicate", 'What is "frobnicate"?'],
  ] as const) {
    const { exitCode, stderr } = await here("net", "shape", "--vm", "a", words);
    expect({ exitCode, stderr }).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining(`tc: ${message}`) as string,
    });
  }
  expect(await shape("a")).toBe(before);
});

it("a missing or unknown VM name is rejected", async () => {
  for (const [words, message] of [
    [["delay 10ms"], "this project has several VMs"],
    [["unknown", "delay 10ms"], "this project has no VM unknown"],
  ] as const) {
    const { exitCode, stderr } = await here("net", "shape", ...words);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(message);
  }
});
