import { Duplex, PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import type { Container } from "../../../../src/engine/engine.js";
import { KdockError } from "../../../../src/core/errors.js";
import { onAbort } from "../../../../src/core/on-abort.js";
import { PLAIN } from "../../../../src/core/plan/container-spec.js";
import { LABEL, labels } from "../../../../src/core/plan/names.js";
import type { Project } from "../../../../src/build/project.js";
import { capture, type CaptureRequest } from "../../../../src/network/steps/capture.js";
import type { Context } from "../../../../src/core/steps/context.js";
import { runContainer } from "../../../../src/core/steps/run-container.js";
import { plan } from "../../fixtures.js";

const INTERRUPTED = new KdockError("interrupted", "interrupted");

/** An engine with one VM, which returns `container` for every id. */
function context(signal: AbortSignal, container: Partial<Container>): Context {
  const vm = {
    ...{ id: "1", name: "vm", running: true, status: "Up", ports: [] },
    labels: { ...labels("vm", plan().names.id), [LABEL.vm]: "{}" },
  };
  const all = { id: "1", [Symbol.asyncDispose]: () => Promise.resolve(), ...container };
  return {
    signal,
    reporter: { emit: () => undefined, pause: () => undefined },
    ...{ stdout: new PassThrough().resume(), stderr: new PassThrough().resume() },
    engine: () =>
      Promise.resolve({
        listContainers: () => Promise.resolve([vm]),
        container: () => all,
        createContainer: () => Promise.resolve(all),
      }),
  } as unknown as Context;
}

/** Like capture.sh: runs until its input ends. */
function untilInputEnds(): Duplex {
  return new Duplex({
    read: () => undefined,
    write(_chunk, _encoding, done) {
      done();
    },
    final(done) {
      this.push(null);
      done();
    },
  });
}

const CAPTURE: CaptureRequest = {
  ...{
    vm: undefined,
    words: [],
    to: undefined,
    force: false,
    side: "guest",
    count: undefined,
    more: [],
  },
};

describe("an early abort", () => {
  it("ends a capture while tcpdump is being started", async () => {
    const interrupt = new AbortController();
    const ctx = context(interrupt.signal, {
      exec: () => {
        interrupt.abort(INTERRUPTED);
        const stderr = new PassThrough();
        stderr.end();
        return Promise.resolve({
          ...{ stream: untilInputEnds(), stderr, exitCode: () => Promise.resolve(0) },
        });
      },
    });
    await capture({ ctx, plan: plan() } as Project, CAPTURE);
  });

  it("prevents tcpdump from being started", async () => {
    let isStarted = false;
    const ctx = context(AbortSignal.abort(INTERRUPTED), {
      exec: () => {
        isStarted = true;
        return Promise.reject(new Error("started"));
      },
    });
    await expect(capture({ ctx, plan: plan() } as Project, CAPTURE)).rejects.toBe(INTERRUPTED);
    expect(isStarted).toBe(false);
  });

  it("ends a builder while its container is being started", async () => {
    const interrupt = new AbortController();
    const ctx = context(interrupt.signal, {
      attach: () =>
        Promise.resolve(Object.assign(new PassThrough(), { stderr: new PassThrough() })),
      wait: () => new Promise<number>(() => undefined),
      start: () => {
        interrupt.abort(INTERRUPTED);
        return Promise.resolve();
      },
    });
    const spec = {
      ...{ ...PLAIN, name: "build", image: "x", command: [], env: {}, labels: {}, mounts: [] },
      ...{ network: "none", hostname: undefined, capDrop: [] },
    };
    await expect(runContainer(ctx, spec, { onLine: () => undefined })).rejects.toBe(INTERRUPTED);
  });
});

describe("onAbort", () => {
  it("calls at once for an aborted signal, later on abort, and never after dispose", () => {
    const calls: string[] = [];
    const call = (name: string) => () => calls.push(name);
    const [aborted, later, never] = [
      AbortSignal.abort(),
      new AbortController(),
      new AbortController(),
    ];
    using _aborted = onAbort(aborted, call("aborted"));
    using _later = onAbort(later.signal, call("later"));
    onAbort(never.signal, call("never"))[Symbol.dispose]();
    expect(calls).toEqual(["aborted"]);
    later.abort();
    never.abort();
    expect(calls).toEqual(["aborted", "later"]);
  });
});
