import type { CanExec } from "../../engine/engine.js";

/**
 * A connection to one of QEMU's sockets in the VM container, as the user QEMU runs as. QEMU makes them a moment after
 * the container's start: socat tries again until they are there.
 */
export function connectInside(
  container: CanExec,
  socket: string,
  signal: AbortSignal,
): ReturnType<CanExec["exec"]> {
  const address = `UNIX-CONNECT:${socket},retry=600,interval=0.05`;
  return container.exec(["socat", "-", address], { tty: false, signal, user: "qemu" });
}
