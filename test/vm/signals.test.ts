import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { processesOf } from "../support/container-processes.js";
import { docker, kdock, start, untilOutput } from "../support/kdock.js";
import { LAB, LAB_NAMES } from "../support/lab.js";

/** Signals while a command is active; test/cli/signals.test.ts has all commands. */
const label = `label=io.kdock.project=${LAB_NAMES.id}`;
const containers = async () =>
  (await docker("ps", "-a", "--format", "{{.Names}} {{.State}}", "--filter", label)).split("\n");
const VM = `${LAB_NAMES.vmContainer} running`;
const core = join(tmpdir(), `kdock-signals-${process.pid}.core`);

const inLab = (...args: string[]) => kdock(args, { cwd: LAB });

beforeAll(async () => {
  await inLab("down");
  const { exitCode, stderr } = await inLab("run", "-d", "--gdb", "0");
  expect(exitCode, stderr).toBe(0);
});
afterAll(async () => {
  await inLab("down");
  await rm(core, { force: true });
});

/** The VM runs, there are no other containers, and no command is left in the guest. */
async function expectOnlyTheGuest() {
  expect(await containers()).toEqual([VM]);
  const { stdout } = await inLab("exec", "--", "sh", "-c", "pidof sleep yes ping; echo answers");
  expect(stdout).toBe("answers\n");
}

interface Moment {
  readonly args: readonly string[];
  readonly on: "stdout" | "stderr";
  /** The output on which the signal is sent. */
  readonly what: string;
  readonly signal: NodeJS.Signals;
}

const atX = { on: "stdout", what: "x" } as const;
const STUBBORN = "trap '' INT TERM HUP; echo x; while :; do sleep 1; done";
const SLEEP = "import time; print('x', flush=True); time.sleep(600)";
const MOMENTS: readonly Moment[] = [
  { args: ["logs", "-f"], on: "stdout", what: "Boot took", signal: "SIGTERM" },
  { args: ["console"], on: "stderr", what: "attached", signal: "SIGHUP" },
  { args: ["exec", "--", "sh", "-c", "echo x; sleep 600"], ...atX, signal: "SIGTERM" },
  { args: ["exec", "--", "sh", "-c", STUBBORN], ...atX, signal: "SIGINT" },
  { args: ["capture", "-w", "-"], on: "stderr", what: "listening", signal: "SIGTERM" },
  { args: ["gdb"], on: "stdout", what: "(gdb)", signal: "SIGHUP" },
  { args: ["debug", "panic"], on: "stdout", what: "panic", signal: "SIGTERM" },
  { args: ["trap", "panic", "--timeout", "600"], on: "stdout", what: "panic", signal: "SIGTERM" },
  { args: ["dump", core], on: "stderr", what: "memory", signal: "SIGINT" },
  { args: ["drgn", "--", "-e", SLEEP], ...atX, signal: "SIGTERM" },
];

describe("a signal exits with 130 and leaves the guest running:", () => {
  it.each(MOMENTS)("$signal during kdock $args", async ({ args, on, what, signal }) => {
    const running = start(args, { cwd: LAB, pipe: true });
    await untilOutput(running[on], what);
    process.kill(running.pid, signal);
    const { exitCode, stderr } = await running;
    expect(exitCode, stderr).toBe(130);
    expect(stderr).toMatch(/^kdock: interrupted$/m);
    await expectOnlyTheGuest();
  });

  it("SIGTERM while stdout is not read", async () => {
    const running = start(["exec", "--", "yes"], { cwd: LAB, stream: true });
    await untilOutput(running.stdout, "y");
    running.stdout.pause();
    process.kill(running.pid, "SIGTERM");
    expect((await running).exitCode).toBe(130);
    await expectOnlyTheGuest();
  });
});

it("a second signal, as sent by timeout, has no further effect", async () => {
  const running = start(["exec", "--", "sh", "-c", STUBBORN], { cwd: LAB });
  await untilOutput(running.stdout, "x");
  // Two equal signals may be delivered as one.
  process.kill(running.pid, "SIGTERM");
  process.kill(running.pid, "SIGHUP");
  const { exitCode, stderr } = await running;
  expect(exitCode, stderr).toBe(130);
  await expectOnlyTheGuest();
});

describe("a closed stdout exits with 141 and ends", () => {
  it("kdock exec and the command in the guest", async () => {
    const running = start(["exec", "--", "yes"], { cwd: LAB });
    await untilOutput(running.stdout, "y");
    running.stdout.destroy();
    const { exitCode, stderr } = await running;
    expect({ exitCode, stderr }).toEqual({ exitCode: 141, stderr: "" });
    await expectOnlyTheGuest();
  });

  it("kdock console, but not the VM", async () => {
    const running = start(["console"], { cwd: LAB });
    await untilOutput(running.stderr, "attached");
    running.stdout.destroy();
    await inLab("exec", "--", "sh", "-c", "echo to the console >/dev/console");
    expect((await running).exitCode).toBe(141);
    await expectOnlyTheGuest();
  });

  it("kdock capture and tcpdump", async () => {
    const running = start(["capture", "icmp"], { cwd: LAB });
    await untilOutput(running.stderr, "listening");
    const inside = async () => {
      const look = (script: string) => docker("exec", LAB_NAMES.vmContainer, "sh", "-c", script);
      return (await processesOf(look)).map(({ name }) => name);
    };
    expect(await inside()).toContain("tcpdump");
    running.stdout.destroy();
    await inLab("exec", "--", "ping", "-c", "1", "10.0.3.1");
    expect((await running).exitCode).toBe(141);
    await expect.poll(inside, { timeout: 20_000 }).not.toContain("tcpdump");
  });
});

describe("kdock run removes its VM on", () => {
  const other = ["run", "--name", "other", "--gdb", "0"];

  it("SIGINT before the guest has booted", async () => {
    const running = start([...other, "--", "true"], { cwd: LAB });
    await untilOutput(running.stderr, /accelerator/);
    process.kill(running.pid, "SIGINT");
    expect((await running).exitCode).toBe(130);
    expect(await containers()).toEqual([VM]);
  });

  it("SIGINT while a command runs in the guest", async () => {
    const running = start([...other, "--", "sh", "-c", "echo started >&2; sleep 600"], {
      cwd: LAB,
    });
    await untilOutput(running.stderr, /started/);
    process.kill(running.pid, "SIGINT");
    expect((await running).exitCode).toBe(130);
    expect(await containers()).toEqual([VM]);
  });

  it("SIGTERM with the console in a pipe and no stdin", async () => {
    const running = start(other, { cwd: LAB });
    await untilOutput(running.stdout, "Boot took");
    process.kill(running.pid, "SIGTERM");
    expect((await running).exitCode).toBe(130);
    expect(await containers()).toEqual([VM]);
  });

  it("a closed stdout", async () => {
    const running = start(other, { cwd: LAB, stream: true });
    await untilOutput(running.stdout, "[kdock]");
    running.stdout.destroy();
    expect((await running).exitCode).toBe(141);
    expect(await containers()).toEqual([VM]);
  });
});
