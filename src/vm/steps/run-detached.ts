import { setTimeout as sleep } from "node:timers/promises";
import type { Container } from "../../engine/engine.js";
import { KdockError } from "../../core/errors.js";
import { hostPortText } from "../../core/plan/container-spec.js";
import { INSIDE } from "../../core/plan/names.js";
import type { Plan } from "../../build/plan/plan.js";
import { type ConsoleTail, watchConsole } from "./console-tail.js";
import type { Context } from "../../core/steps/context.js";
import { connectInside } from "./connect-inside.js";
import { explainEnd } from "./panic.js";
import { afterStart, type StartedVm } from "./start-vm.js";
import { startVm, type VmOrder } from "./start-vms.js";
import { unexpectedEnd } from "./unexpected-end.js";
import { whenReady } from "./when-ready.js";

export interface DetachedVm {
  readonly name: string;
  /** The guest's. */
  readonly address: string;
  readonly container: string;
  /** "127.0.0.1:1234"; undefined without gdb. */
  readonly gdb: string | undefined;
  /** Milliseconds from the guest's power-on until it was ready, by its own clock; undefined when nobody tells. */
  readonly bootMs: number | undefined;
  /** Why its guest does not tell, for people; undefined where it does. */
  readonly noAgent: string | undefined;
}

/** QEMU listens a fraction of a second after its container starts. */
const LISTEN_TIMEOUT_MS = 30_000;

/**
 * Starts the VM in the background. Resolves when the guest is ready, or, for one that is paused or has no agent, when the
 * debugger may connect.
 * A VM that does not get there is removed.
 */
export async function runDetached(
  ctx: Context,
  plan: Plan,
  vm: VmOrder,
  options: { readonly paused: boolean; readonly bootTimeoutSeconds: number },
): Promise<DetachedVm> {
  return await bootDetached(ctx, plan, await startVm(ctx, plan, vm), options);
}

/** The same for one whose container runs. */
export async function bootDetached(
  ctx: Context,
  plan: Plan,
  started: StartedVm,
  options: { readonly paused: boolean; readonly bootTimeoutSeconds: number },
): Promise<DetachedVm> {
  try {
    const tail = watchConsole(started.console, (text) => {
      ctx.reporter.emit({ type: "notice", text });
    });
    const { noAgent } = started.facts;
    if (options.paused || noAgent !== undefined) {
      await Promise.race([qemuAnswers(ctx, started.container), unexpectedEnd(started, tail)]);
      return { ...(await detached(ctx, plan, started, tail)), bootMs: undefined, noAgent };
    }
    await using session = await whenReady(ctx, started, tail, options.bootTimeoutSeconds);
    const bootMs = session.hello.uptimeMs;
    return { ...(await detached(ctx, plan, started, tail)), bootMs, noAgent };
  } catch (error) {
    const told = await explainEnd(ctx, plan, started, error);
    await started[Symbol.asyncDispose]();
    throw ctx.signal.aborted ? ctx.signal.reason : told;
  } finally {
    started.release();
  }
}

async function detached(
  ctx: Context,
  plan: Plan,
  started: StartedVm,
  tail: ConsoleTail,
): Promise<Omit<DetachedVm, "bootMs" | "noAgent">> {
  // QEMU runs; its console may lag behind.
  await tail.handedOver;
  const { container, gdb, facts } = await afterStart(ctx, plan, started, tail.state());
  const { address, slot } = facts;
  return {
    ...{ name: slot.name, address, container: container.id },
    gdb: gdb && hostPortText(gdb),
  };
}

/** QEMU greets on its QMP socket when it is up, which is after its gdbstub listens. */
async function qemuAnswers(ctx: Context, container: Container): Promise<void> {
  const timeout = AbortSignal.timeout(LISTEN_TIMEOUT_MS);
  const signal = AbortSignal.any([ctx.signal, timeout]);
  const exec = await connectInside(container, INSIDE.qmpSocket, signal);
  try {
    for await (const chunk of exec.stream) if (String(chunk).includes('"QMP"')) return;
    // The stream ended without a greeting: the container is on its way out, and its exit says why.
    await sleep(LISTEN_TIMEOUT_MS, undefined, { signal });
  } catch (error) {
    ctx.signal.throwIfAborted();
    if (!timeout.aborted) throw error;
    throw new KdockError("vm", "QEMU did not answer in time", {
      hint: "`kdock logs` has its words.",
    });
  } finally {
    exec.stream.destroy();
  }
}
