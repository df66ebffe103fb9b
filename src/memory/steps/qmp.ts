import { setTimeout as sleep } from "node:timers/promises";
import type { Container } from "../../engine/engine.js";
import { KdockError } from "../../core/errors.js";
import { INSIDE } from "../../core/plan/names.js";
import { openQmp, type QmpSession } from "../qmp/session.js";
import { connectInside } from "../../vm/steps/connect-inside.js";
import { linesOf } from "../../core/steps/lines.js";

/** QEMU greets within milliseconds, but not before the previous client has disconnected. */
const GREETING_TIMEOUT_MS = 15_000;

/**
 * Connects to QEMU's monitor in a VM's container. QEMU serves one client at a time: keep sessions short. Rejects with a
 * `vm` error when another client stays connected.
 */
export async function openMonitor(container: Container, signal: AbortSignal): Promise<QmpSession> {
  const exec = await connectInside(container, INSIDE.qmpSocket, signal);
  const close = () => {
    exec.stream.destroy();
  };
  const timer = new AbortController();
  const late = sleep(GREETING_TIMEOUT_MS, undefined, { signal: timer.signal }).then(() => {
    throw new KdockError("vm", "QEMU's monitor does not answer", {
      hint: "It serves one client at a time: check for another kdock or another program that is connected to it.",
    });
  });
  late.catch(() => undefined);
  const link = {
    lines: linesOf(exec.stream),
    write: (text: string) => void exec.stream.write(text),
    close,
  };
  try {
    return await Promise.race([openQmp(link), late]);
  } catch (error) {
    close();
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
