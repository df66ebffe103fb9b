import { once } from "node:events";
import { PassThrough, Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import type { Container } from "../../../../src/engine/engine.js";
import { KdockError } from "../../../../src/core/errors.js";
import { CONSOLE_GOES_ON } from "../../../../src/vm/plan/console-state.js";
import { INSIDE, LABEL, labels } from "../../../../src/core/plan/names.js";
import type { Project } from "../../../../src/build/project.js";
import { capture } from "../../../../src/network/steps/capture.js";
import type { Context } from "../../../../src/core/steps/context.js";
import { streamMemory } from "../../../../src/memory/steps/dump-memory.js";
import { vmEnded } from "../../../../src/vm/steps/unexpected-end.js";
import type { GuestContext } from "../../../../src/guest/steps/guest-context.js";
import { whyLost } from "../../../../src/guest/steps/why-lost.js";
import { plan } from "../../fixtures.js";

const SIGNAL = new AbortController().signal;
const said = (pattern: RegExp): unknown => expect.stringMatching(pattern);

/** With a VM in that network mode; `container` is any that is asked for. */
function context(container: Partial<Container>, net: string): Context {
  const vm = {
    ...{ id: "1", name: "vm", running: true, status: "Up", ports: [] },
    labels: { ...labels("vm", plan().names.id), [LABEL.vm]: JSON.stringify({ net }) },
  };
  return {
    signal: SIGNAL,
    reporter: { emit: () => undefined, pause: () => undefined },
    ...{ stdout: new PassThrough().resume(), stderr: new PassThrough().resume() },
    engine: () =>
      Promise.resolve({
        listContainers: (wanted: Readonly<Record<string, string>>) =>
          Promise.resolve(wanted[LABEL.role] === "vm" ? [vm] : []),
        container: () => container,
      }),
  } as unknown as Context;
}

describe("what to do next", () => {
  it("is told when a VM has ended", () => {
    expect(vmEnded(1, CONSOLE_GOES_ON, [])).toMatchObject({
      message: "the VM ended (QEMU's exit code 1)",
      hint: said(/kdock logs.*kdock decode.*kdock run -d/),
    });
  });

  it("is told when a VM was removed under a command", async () => {
    const ctx = {
      ...{ signal: SIGNAL, names: plan().names },
      engine: () =>
        Promise.resolve({ listContainers: () => Promise.resolve([]), container: () => ({}) }),
    } as unknown as GuestContext;
    const vm = { id: "1", name: "vm", container: {} as Container, noAgent: undefined };
    expect(await whyLost(ctx, vm, new KdockError("vm", "the connection broke"))).toMatchObject({
      message: "the VM was stopped and removed",
      hint: said(/kdock logs.*kdock run -d/),
    });
  });

  it.each([
    ["bridge", "the VM ended while packets were captured", /are kept.*kdock logs.*kdock run -d/],
    [
      "host",
      "the container of the VM's network in mode host has ended",
      /kdock stop.*kdock run -d.*kdock logs/,
    ],
  ])("is told when a capture in mode %s breaks off", async (net, message, hint) => {
    const container: Partial<Container> = {
      exec: () => {
        const [stream, stderr] = [new PassThrough(), new PassThrough()];
        for (const each of [stream, stderr]) each.end();
        return Promise.resolve({ stream, stderr, exitCode: () => Promise.resolve(143) });
      },
    };
    const request = {
      vm: undefined,
      words: [],
      to: undefined,
      force: false,
      side: "guest",
      more: [],
    } as const;
    const project = { ctx: context(container, net), plan: plan() } as Project;
    await expect(capture(project, { ...request, count: undefined })).rejects.toMatchObject({
      ...{ code: "vm", message, hint: said(hint) },
    });
  });

  it("is told when a dump breaks off", async () => {
    const container = { exec: dumpThatFails } as unknown as Container;
    const request = { format: "elf", to: "-" } as const;
    const log = { progress: () => undefined };
    const dumped = streamMemory(context({}, "bridge"), container, request, log as never, take);
    await expect(dumped).rejects.toMatchObject({
      ...{ code: "vm", message: "the guest's memory could not be written: disk full" },
      hint: said(/kdock ps.*kdock logs.*kdock run -d/),
    });
  });
});

async function take(stream: Readable): Promise<void> {
  stream.resume();
  await once(stream, "end");
}

/** dump.sh, which names its pipe, and a monitor whose dump fails. */
function dumpThatFails(command: readonly string[]) {
  const [stream, stderr] = [new PassThrough(), new PassThrough()];
  if (command.includes(INSIDE.vmDump)) {
    stderr.write("/run/kdock/pipe\n");
    return Promise.resolve({ stream, stderr, exitCode: () => Promise.resolve(0) });
  }
  const monitor = new PassThrough();
  const answer = (json: object) => monitor.write(`${JSON.stringify(json)}\n`);
  answer({ QMP: { version: { qemu: { major: 10, minor: 0, micro: 0 } } } });
  const write = (text: string) => {
    const { execute, id } = JSON.parse(text) as { execute: string; id: number };
    const status = execute === "query-status" ? { status: "running" } : {};
    answer({ return: { completed: 0, total: 1, ...status }, id });
    if (execute === "query-dump") answer({ event: "DUMP_COMPLETED", data: { error: "disk full" } });
    return true;
  };
  const duplex = {
    write,
    destroy: () => monitor.destroy(),
    [Symbol.asyncIterator]: () => monitor[Symbol.asyncIterator](),
  };
  return Promise.resolve({ stream: duplex, stderr });
}
