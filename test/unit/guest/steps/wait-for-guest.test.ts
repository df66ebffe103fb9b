import { Readable } from "node:stream";
import { setImmediate as turn } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { KdockError } from "../../../../src/core/errors.js";
import { labels } from "../../../../src/core/plan/names.js";
import type { GuestContext } from "../../../../src/guest/steps/guest-context.js";
import { waitForGuest } from "../../../../src/guest/steps/wait-for-guest.js";
import { GUEST_FRAME, HOST_FRAME } from "../../../../src/vm/agent/frames.js";
import { plan } from "../../fixtures.js";
import { helloFrame } from "../../vm/agent/fake-agent.js";
import { FakeVm } from "../../vm/agent/fake-vm.js";

const SECONDS = 60;
const INTERRUPTED = new KdockError("interrupted", "interrupted");

beforeEach(() => vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }));
afterEach(() => vi.useRealTimers());

async function pass(ms: number): Promise<void> {
  for (let turns = 0; turns < 10; turns += 1) await turn();
  vi.advanceTimersByTime(ms);
}

/** The VM's container is not there any more where the engine is asked, and its console said this. */
function project(console = "") {
  const interrupt = new AbortController();
  const said: string[] = [];
  const ctx = {
    ...{ signal: interrupt.signal, names: plan().names },
    reporter: { emit: ({ text }: { text: string }) => said.push(text) },
    engine: () =>
      Promise.resolve({
        listContainers: (wanted: object) => {
          expect(wanted).toEqual(labels("vm", plan().names.id));
          return Promise.resolve([]);
        },
        container: () => ({ logs: () => Promise.resolve(Readable.from([Buffer.from(console)])) }),
      }),
  } as unknown as GuestContext;
  return { ctx, said, interrupt };
}

function guest(vm: FakeVm, noAgent?: string) {
  return { id: "1", name: "vm", container: vm, noAgent };
}

async function say(vm: FakeVm, state: string): Promise<void> {
  const agent = await vm.agent();
  await agent.frame(HOST_FRAME.hello);
  agent.send(GUEST_FRAME.state, 0, state);
}

async function answer(vm: FakeVm): Promise<void> {
  const agent = await vm.agent();
  const { payload } = await agent.frame(HOST_FRAME.hello);
  agent.sendBytes(helloFrame(payload.readUInt32LE(4)));
}

describe("waiting for a guest", () => {
  it("tells nothing of one that answers at once", async () => {
    const { ctx, said } = project();
    await using _session = await waitForGuest(ctx, guest(new FakeVm()), {
      bootTimeoutSeconds: SECONDS,
    });
    await pass(10_000);
    expect(said).toEqual([]);
  });

  it("tells that one boots, and gives it up with what its agent complained of", async () => {
    const vm = new FakeVm({ answersHello: false });
    const { ctx, said } = project("boots\nkdock-agent: no port\nlogin:\n");
    const opening = waitForGuest(ctx, guest(vm), { bootTimeoutSeconds: SECONDS });
    await say(vm, "running");
    await pass(SECONDS * 1000);
    await expect(opening).rejects.toMatchObject({
      ...{ code: "vm", hint: expect.stringContaining("--boot-timeout") as unknown },
      message: "the guest did not answer in 60 s; it said: kdock-agent: no port",
    });
    expect(said).toEqual(["waiting for the guest to be ready, 60 s at most"]);
  });

  it("gives a guest without an agent little time, and tells why there is none", async () => {
    const { ctx } = project();
    const vm = new FakeVm({ answersHello: false });
    const opening = waitForGuest(ctx, guest(vm, "its kernel has no virtio"), {
      bootTimeoutSeconds: SECONDS,
    });
    await say(vm, "running");
    await pass(3000);
    await expect(opening).rejects.toThrow(
      "no agent answers in the guest: its kernel has no virtio",
    );
  });

  it("waits for one that a debugger holds as long as it takes, and tells it once", async () => {
    const { ctx, said } = project();
    const vm = new FakeVm({ answersHello: false });
    const opening = waitForGuest(ctx, guest(vm), { bootTimeoutSeconds: SECONDS });
    await say(vm, "debug");
    await pass(10 * SECONDS * 1000);
    await say(vm, "running");
    await answer(vm);
    await (await opening)[Symbol.asyncDispose]();
    expect(said).toEqual(["the guest is stopped by a debugger; this goes on when the guest does"]);
  });

  it("tells a pause after the opening where it is asked to", async () => {
    const { ctx, said } = project();
    const vm = new FakeVm();
    const told: string[] = [];
    await using _session = await waitForGuest(ctx, guest(vm), {
      bootTimeoutSeconds: SECONDS,
      notify: (text) => told.push(text),
    });
    await say(vm, "debug");
    await pass(1000);
    expect(said).toEqual([]);
    expect(told).toHaveLength(1);
  });

  it("gives up a guest whose kernel has panicked, and rejects its commands with that", async () => {
    const { ctx } = project();
    const [booting, running] = [new FakeVm({ answersHello: false }), new FakeVm()];
    const opening = waitForGuest(ctx, guest(booting), { bootTimeoutSeconds: SECONDS });
    await say(booting, "guest-panicked");
    await expect(opening).rejects.toThrow("the guest's kernel has panicked");

    const patience = { bootTimeoutSeconds: SECONDS };
    await using session = await waitForGuest(ctx, guest(running), patience);
    const { exit } = session.exec({ argv: ["sleep"], env: {}, cwd: "" });
    await say(running, "guest-panicked");
    await expect(exit).rejects.toThrow("the guest's kernel has panicked");
  });

  it("rejects commands with how the VM ended when the guest goes away", async () => {
    const { ctx } = project();
    const vm = new FakeVm();
    await using session = await waitForGuest(ctx, guest(vm), { bootTimeoutSeconds: SECONDS });
    const { exit } = session.exec({ argv: ["sleep"], env: {}, cwd: "" });
    (await vm.agent()).hangUp();
    await expect(exit).rejects.toThrow("the VM was stopped and removed");
  });
});

describe("Ctrl-C", () => {
  it("ends the waiting, also for who handles it later", async () => {
    for (const handlesInterrupt of [false, true]) {
      const { ctx, interrupt } = project();
      const vm = new FakeVm({ answersHello: false });
      const patience = { bootTimeoutSeconds: SECONDS, handlesInterrupt };
      const opening = waitForGuest(ctx, guest(vm), patience);
      await vm.agent();
      interrupt.abort(INTERRUPTED);
      await expect(opening).rejects.toBe(INTERRUPTED);
    }
  });

  it("ends the session", async () => {
    const { ctx, interrupt } = project();
    const patience = { bootTimeoutSeconds: SECONDS };
    await using session = await waitForGuest(ctx, guest(new FakeVm()), patience);
    const { exit } = session.exec({ argv: ["sleep"], env: {}, cwd: "" });
    interrupt.abort(INTERRUPTED);
    await expect(exit).rejects.toBe(INTERRUPTED);
  });

  it("leaves a session open whose command is to get it", async () => {
    const { ctx, interrupt } = project();
    const vm = new FakeVm();
    const patience = { bootTimeoutSeconds: SECONDS, handlesInterrupt: true };
    await using session = await waitForGuest(ctx, guest(vm), patience);
    const command = session.exec({ argv: ["sleep"], env: {}, cwd: "" });
    interrupt.abort(INTERRUPTED);
    command.signal(2);
    const agent = await vm.agent();
    expect(await agent.frame(HOST_FRAME.signal)).toMatchObject({ payload: Buffer.of(2) });
    agent.exit((await agent.exec()).id, 130);
    expect(await command.exit).toMatchObject({ code: 130 });
  });
});
