import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { once } from "node:events";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { kdock, start as startKdock } from "../support/kdock.js";
import { NOTHING, readyForLab, remains } from "../support/host-state.js";
import { LAB, LAB_NAMES } from "../support/lab.js";
import { type PrivateEngine, startPrivateEngine } from "../support/private-engine.js";

/**
 * kdock restores the engine's host, however it ends. The lab's artifacts are booted by a private engine in its own
 * network namespace, whose complete state is compared.
 */
let engine: PrivateEngine;
let before: Set<string>;

const inLab = (...args: string[]) => kdock(args, { cwd: LAB, env: engine.env });
const start = (...args: string[]) => startKdock(args, { cwd: LAB, env: engine.env });

const left = () => remains(engine, before);

async function boot(): Promise<void> {
  const { exitCode, stderr } = await inLab("run", "-d", "--gdb", "0");
  expect(exitCode, stderr).toBe(0);
}

const container = () => engine.docker("ps", "-q", "--filter", `name=${LAB_NAMES.vmContainer}$`);

beforeAll(async () => {
  await kdock(["stop"], { cwd: LAB });
  engine = await startPrivateEngine();
  before = await readyForLab(engine);
});
afterAll(async () => {
  await inLab("down");
  await engine.close();
});
beforeEach(async () => {
  expect(await left()).toEqual(NOTHING);
});

it("nothing is left of two VMs and their networks after down", async () => {
  for (const name of ["a", "b"]) {
    const { exitCode, stderr } = await inLab("run", "-d", "--name", name, "-p", "0:80");
    expect(exitCode, stderr).toBe(0);
  }
  const meanwhile = await left();
  expect(meanwhile.gone).toEqual([]);
  expect(meanwhile.more.join("\n")).toMatch(/^ip link: .* br-/m);
  expect(meanwhile.more.join("\n")).toMatch(/^iptables: -A POSTROUTING .* MASQUERADE/m);
  expect(meanwhile.networks.split("\n").sort()).toEqual([LAB_NAMES.network, LAB_NAMES.lan]);
  expect((await inLab("down")).exitCode).toBe(0);
});

it.each([
  ["run", ["--gdb", "0"], /Boot took/],
  ["run -- CMD", ["--gdb", "0", "--", "sh", "-c", "echo begun; sleep 1000"], /begun/],
])("kill -9 of %s ends its VM", async (_what, args, sign) => {
  const running = start("run", ...args);
  let output = "";
  running.stdout.on("data", (chunk) => (output += String(chunk)));
  await expect.poll(() => output, { timeout: 60_000 }).toMatch(sign);
  expect(await container()).not.toBe("");
  running.kill("SIGKILL");
  await running;
  await expect.poll(left, { timeout: 20_000, interval: 500 }).toEqual(NOTHING);
});

it("kill -9 of run -d ends a VM that is still booting", async () => {
  for (const delay of [0, 300]) {
    const running = start("run", "-d", "--gdb", "0");
    await expect.poll(container, { timeout: 20_000, interval: 20 }).not.toBe("");
    await new Promise((resolve) => setTimeout(resolve, delay));
    running.kill("SIGKILL");
    expect((await running).exitCode).toBeUndefined();
    await expect.poll(left, { timeout: 20_000, interval: 500 }).toEqual(NOTHING);
  }
});

it("kill -9 of exec and cp ends their commands in the guest, but not the VM; kill -9 of QEMU is reported", async () => {
  await boot();
  const folder = await mkdtemp(join(tmpdir(), "kdock-remains-"));
  await writeFile(join(folder, "big"), randomBytes(64 << 20));
  const sleeper = start("exec", "--", "sh", "-c", "echo begun; exec sleep 4714");
  await once(sleeper.stdout, "data");
  const copying = start("cp", join(folder, "big"), ":/tmp/big");
  // Progress is printed after the first eight megabytes.
  await once(copying.stderr, "data");
  for (const each of [sleeper, copying]) each.kill("SIGKILL");
  await Promise.all([sleeper, copying]);
  await rm(folder, { recursive: true });
  const look = 'pgrep -f "sleep 471[4]"; ls -A /tmp';
  const inTheGuest = async () => (await inLab("exec", "--", "sh", "-c", look)).stdout;
  await expect.poll(inTheGuest, { timeout: 20_000, interval: 500 }).toBe("");
  const inside = async () => engine.docker("top", await container(), "-o", "pid,args");
  await expect.poll(inside, { timeout: 20_000, interval: 500 }).not.toMatch(/socat/);

  const pid = await engine.docker("inspect", "-f", "{{.State.Pid}}", await container());
  await engine.onHost("kill", "-KILL", pid);
  await expect.poll(container, { timeout: 20_000 }).toBe("");
  expect((await inLab("ps")).stdout).toMatch(/^vm .*Exited \(137\)/m);
  const late = await inLab("exec", "--", "true");
  expect(late.stderr).toMatch(/the VM is not running \(Exited \(137\)/);
  expect(late.exitCode).toBe(1);
  expect((await inLab("stop")).exitCode).toBe(0);
});

it("after a restart of the engine no VM runs, and stop removes the container", async () => {
  await boot();
  const waiting = start("exec", "--", "sh", "-c", "echo begun; exec sleep 1000");
  await once(waiting.stdout, "data");
  await engine.restart();
  const { exitCode, stderr } = await waiting;
  expect(stderr).toMatch(/^error: /m);
  expect([1, 3]).toContain(exitCode);
  expect((await inLab("ps")).stdout).toMatch(/^vm .*Exited/m);
  expect((await inLab("stop")).stdout).toBe("stopped vm\n");
});
