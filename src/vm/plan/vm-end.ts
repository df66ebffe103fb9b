import type { PanicDevice } from "../../core/plan/architectures.js";
import { panicReason, reportIsLast } from "./console-log.js";

/** How QEMU ended, by its own words; images/vm/run-qemu.pl writes it, and no guest can. */
export interface VmEnd {
  /** QEMU's event: the kernel told the pvpanic device. */
  readonly panicked: boolean;
  /** Of its SHUTDOWN event: "guest-panic", "guest-reset", "guest-shutdown", "host-signal", "host-qmp-quit" ... */
  readonly reason: string | null;
  /**
   * The kernel may have panicked without telling the device: it has no driver for it, or had not loaded it yet. See
   * `PanicDriver`.
   */
  readonly mayPanicSilently: boolean;
  /** Both null while QEMU runs; one of them after. */
  readonly exitCode: number | null;
  readonly signal: number | null;
}

/** undefined for what is no record. By hand, because `kdock exec` reads one and must not wait for zod. */
export function parseVmEnd(text: string): VmEnd | undefined {
  let read: unknown;
  try {
    read = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { panicked, reason, mayPanicSilently, exitCode, signal } = (read ?? {}) as Partial<
    Record<string, unknown>
  >;
  if (typeof panicked !== "boolean") return undefined;
  return {
    panicked,
    reason: typeof reason === "string" ? reason : null,
    mayPanicSilently: mayPanicSilently === true,
    exitCode: typeof exitCode === "number" ? exitCode : null,
    signal: typeof signal === "number" ? signal : null,
  };
}

/** For a panic that its console does not tell. */
const UNKNOWN = "its console does not say why";

/**
 * Why a VM's kernel panicked; undefined where it has not. That it did is QEMU's word, never the console's, which the guest's
 * programs write as well; the reason is the kernel's last one there.
 *
 * A kernel without a driver for pvpanic resets the machine when it panics, without another word. There alone a report that
 * is the last on the console of a machine that was reset counts: a reset that was asked for is announced by the kernel. Of a
 * kernel with a driver it would be a program's word, which can silence the announcement (/proc/sys/kernel/printk).
 */
export function panicOf(end: VmEnd | undefined, lines: readonly string[]): string | undefined {
  if (end?.panicked === true) return panicReason(lines) ?? UNKNOWN;
  if (end !== undefined && needsConsole(end) && reportIsLast(lines)) return panicReason(lines);
  return undefined;
}

/** Whether only the console can tell that the kernel panicked. */
export function needsConsole({ reason, mayPanicSilently }: VmEnd): boolean {
  return mayPanicSilently && reason === "guest-reset";
}

/**
 * What a VM's kernel has for the pvpanic device, for images/vm/run-qemu.pl: nothing; a driver that is there, or loaded by
 * /init, before kdock's agent; or one that is there before the guest's first program, which is not known to be followed by an
 * agent.
 */
export type PanicDriver = "none" | "before-agent" | "before-init";

/** Of a kernel, by the text of its .config, on a machine that has these devices. */
export function panicDriver(
  kernelConfig: string,
  devices: readonly PanicDevice[],
  hasAgent: boolean,
): PanicDriver {
  const found = new Map(
    [...kernelConfig.matchAll(/^(?:# )?CONFIG_(PVPANIC\w*)[= ]([ym]?)/gm)].map(
      ([, name, value]) => [name, value],
    ),
  );
  // Until Linux 5.13 the option was the ISA device's driver; it is a menu since.
  const isMenu = found.has("PVPANIC_MMIO") || found.has("PVPANIC_PCI");
  const options = { pvpanic: isMenu ? "PVPANIC_MMIO" : "PVPANIC", "pvpanic-pci": "PVPANIC_PCI" };
  const drivers = devices.map((device) => found.get(options[device]));
  if (hasAgent && (drivers.includes("y") || drivers.includes("m"))) return "before-agent";
  return drivers.includes("y") ? "before-init" : "none";
}
