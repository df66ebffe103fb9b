import type { Kdock } from "../../app/kdock.js";
import type { VmConsole } from "../steps/console-log.js";

/** Rejects with the panic, its trace decoded. Only then the lock is read, which pins the debugger that decodes. */
export async function failWith(kdock: Kdock, panic: VmConsole): Promise<never> {
  const { ctx, plan } = await kdock.openLocked();
  const { panicError } = await import("../steps/panic.js");
  throw await panicError(ctx, plan, panic, undefined);
}
