import { setImmediate as turn } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { KdockError } from "../../../../src/core/errors.js";
import { INSIDE } from "../../../../src/core/plan/names.js";
import { GUEST_FRAME, HOST_FRAME } from "../../../../src/vm/agent/frames.js";
import { openGuestSession } from "../../../../src/vm/steps/guest-session.js";
import { helloFrame } from "../agent/fake-agent.js";
import { FakeVm } from "../agent/fake-vm.js";

const NEVER = new AbortController().signal;
const LATE = new KdockError("vm", "late");
const MS = 1000;

beforeEach(() => vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }));
afterEach(() => vi.useRealTimers());

/** Has what was sent arrive, then lets time pass. */
async function pass(ms: number): Promise<void> {
  for (let turns = 0; turns < 10; turns += 1) await turn();
  vi.advanceTimersByTime(ms);
}

function limit(waitsWhilePaused = false) {
  return { ms: MS, error: () => LATE, waitsWhilePaused };
}

async function answer(vm: FakeVm): Promise<void> {
  const agent = await vm.agent();
  const { payload } = await agent.frame(HOST_FRAME.hello);
  agent.sendBytes(helloFrame(payload.readUInt32LE(4)));
}

async function say(vm: FakeVm, state: string): Promise<void> {
  const agent = await vm.agent();
  await agent.frame(HOST_FRAME.hello);
  agent.send(GUEST_FRAME.state, 0, state);
}

describe("a guest session", () => {
  it("connects to the agent's socket and closes the connection when it is disposed of", async () => {
    const vm = new FakeVm();
    {
      await using session = await openGuestSession(vm, { signal: NEVER });
      expect(session.hello.release).toBe("6.12.0");
    }
    expect(vm.commands.flat().join(" ")).toContain(`UNIX-CONNECT:${INSIDE.agentSocket}`);
    expect(vm.connections.map(({ closed }) => closed)).toEqual([true]);
  });

  it("is given up when the guest does not answer within the limit", async () => {
    const vm = new FakeVm({ answersHello: false });
    const opening = openGuestSession(vm, { signal: NEVER, limit: limit() });
    await (await vm.agent()).frame(HOST_FRAME.hello);
    await pass(MS);
    await expect(opening).rejects.toBe(LATE);
    expect(vm.connections.map(({ closed }) => closed)).toEqual([true]);
  });

  it("has no limit once it is open", async () => {
    const vm = new FakeVm();
    await using session = await openGuestSession(vm, { signal: NEVER, limit: limit(true) });
    for (const state of ["debug", "running"]) await say(vm, state);
    await pass(2 * MS);
    const command = session.exec({ argv: ["true"], env: {}, cwd: "" });
    const agent = await vm.agent();
    agent.exit((await agent.exec()).id, 0);
    expect(await command.exit).toMatchObject({ code: 0 });
  });

  it("waits for a paused guest, and gives it the whole limit when it runs again", async () => {
    const vm = new FakeVm({ answersHello: false });
    const opening = openGuestSession(vm, { signal: NEVER, limit: limit(true) });
    await pass(MS - 1);
    await say(vm, "debug");
    await pass(2 * MS);
    await say(vm, "running");
    await pass(MS - 1);
    await answer(vm);
    await (await opening)[Symbol.asyncDispose]();
  });

  it("is given up when a guest that was paused does not answer either", async () => {
    const vm = new FakeVm({ answersHello: false });
    const opening = openGuestSession(vm, { signal: NEVER, limit: limit(true) });
    await say(vm, "debug");
    await say(vm, "running");
    await pass(MS);
    await expect(opening).rejects.toBe(LATE);
  });

  it("counts pauses unless it is to wait for them", async () => {
    const vm = new FakeVm({ answersHello: false });
    const states: string[] = [];
    const opening = openGuestSession(vm, {
      ...{ signal: NEVER, limit: limit() },
      onState: (state) => states.push(state),
    });
    await say(vm, "debug");
    await pass(MS);
    await expect(opening).rejects.toBe(LATE);
    expect(states).toEqual(["debug"]);
  });

  it("rejects with the reason of an abort, whatever else it was to say", async () => {
    const vm = new FakeVm({ answersHello: false });
    const interrupt = new AbortController();
    const opening = openGuestSession(vm, {
      ...{ signal: interrupt.signal, limit: limit() },
      explain: () => Promise.resolve(new Error("another reason")),
    });
    await vm.agent();
    const reason = new KdockError("interrupted", "interrupted");
    interrupt.abort(reason);
    await expect(opening).rejects.toBe(reason);
  });

  it("rejects with the explanation when the guest goes away before it is open", async () => {
    const vm = new FakeVm({ answersHello: false });
    const opening = openGuestSession(vm, {
      signal: NEVER,
      explain: (error) => Promise.resolve(new Error("explained", { cause: error })),
    });
    (await vm.agent()).hangUp();
    await expect(opening).rejects.toMatchObject({
      message: "explained",
      cause: { message: "the guest went away before it was ready" },
    });
  });
});
