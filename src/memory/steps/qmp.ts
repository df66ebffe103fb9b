import { setTimeout as sleep } from "node:timers/promises";
import type { Container } from "../../engine/engine.js";
import { KdockError } from "../../core/errors.js";
import { INSIDE } from "../../core/plan/names.js";
import { openQmp, type QmpSession } from "../qmp/session.js";
import { connectInside } from "../../vm/steps/connect-inside.js";
import { linesOf } from "../../core/steps/lines.js";

/** QEMU answers in milliseconds; a monitor that another client holds does not answer at all. */
const GREETING_MS = 15_000;

/**
 * Connects to QEMU's monitor in a VM's container. QEMU serves one client at a time, so nobody should stay longer than
 * need be; rejects with a `vm` error when another one does not leave.
 */
export async function openMonitor(container: Container, signal: AbortSignal): Promise<QmpSession> {
  const exec = await connectInside(container, INSIDE.qmpSocket, signal);
  const hangUp = () => {
    exec.stream.destroy();
  };
  const timer = new AbortController();
  const late = sleep(GREETING_MS, undefined, { signal: timer.signal }).then(() => {
    throw new KdockError("vm", "QEMU's monitor does not answer", {
      hint: "It serves one client at a time: is another kdock, or something else, connected to it?",
    });
  });
  late.catch(() => undefined);
  const link = {
    lines: linesOf(exec.stream),
    write: (text: string) => void exec.stream.write(text),
    hangUp,
  };
  try {
    return await Promise.race([openQmp(link), late]);
  } catch (error) {
    hangUp();
    signal.throwIfAborted();
    throw error;
  } finally {
    timer.abort();
  }
}

/** "running", "paused", "prelaunch" (before the first instruction), "guest-panicked" ... */
export async function machineStatus(monitor: QmpSession): Promise<string> {
  const { status } = (await monitor.execute("query-status")) as { status: string };
  return status;
}
