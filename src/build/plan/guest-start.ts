import type { OverlayEntry } from "./overlay.js";

/** Facts about a guest's first process. */
export interface GuestInit {
  /** Whether rootfs.overlay replaces kdock's /init. */
  readonly isOwn: boolean;
  /** Whether a file of the overlay contains the agent's name: it is assumed to start the agent. */
  readonly namesAgent: boolean;
}

export function guestInit(overlay: readonly OverlayEntry[]): GuestInit {
  return {
    isOwn: overlay.some(({ path, kind }) => path === "init" && kind !== "directory"),
    namesAgent: overlay.some((entry) => entry.kind === "file" && entry.namesAgent),
  };
}

/** Settings that affect the first process. */
export interface StartParameters {
  /** `vm.append` */
  readonly append: string;
  /** `vm.qemu` */
  readonly qemu: readonly string[];
  /** The text of the kernel's .config; undefined if it is not available. */
  readonly kernelConfig: string | undefined;
}

/** A message if kdock's agent is not started in a guest; undefined if it is, or may be. */
export function whyNoAgent(init: GuestInit, settings: StartParameters): string | undefined {
  if (settings.qemu.includes("-initrd")) return "vm.qemu replaces kdock's -initrd";
  const program = lastParameter(settings, "rdinit");
  const isOwn = program === undefined ? init.isOwn : program.value !== "/init" || init.isOwn;
  if (!isOwn || init.namesAgent) return undefined;
  if (program === undefined || program.value === "/init") {
    return "rootfs.overlay has its own /init, and no file in it starts kdock-agent";
  }
  return `${program.from} sets rdinit=${program.value}, which replaces kdock's /init`;
}

/** A message for `init=`, which the kernel ignores because kdock's initramfs has an /init. */
export function ignoredInitParameter(settings: StartParameters): string | undefined {
  const init = lastParameter(settings, "init");
  if (init === undefined || lastParameter(settings, "rdinit") !== undefined) return undefined;
  return `${init.from}: init=${init.value} has no effect in an initramfs, which starts /init; rdinit=${init.value} does`;
}

interface Parameter {
  readonly value: string;
  /** The key that sets it. */
  readonly from: string;
}

/** The kernel uses the last one; CONFIG_CMDLINE comes first. */
function lastParameter(
  { append, qemu, kernelConfig = "" }: StartParameters,
  name: string,
): Parameter | undefined {
  const replaced = qemu.lastIndexOf("-append");
  const passed =
    replaced < 0
      ? { text: append, from: "vm.append" }
      : { text: qemu[replaced + 1] ?? "", from: "vm.qemu" };
  const value = parameterIn(passed.text, name);
  if (value !== undefined) return { value, from: passed.from };
  const builtIn = parameterIn(builtInParameters(kernelConfig), name);
  return builtIn === undefined ? undefined : { value: builtIn, from: "CONFIG_CMDLINE" };
}

/** A kernel's built-in command line. */
export function builtInParameters(kernelConfig: string): string {
  return /^CONFIG_CMDLINE="(.*)"$/m.exec(kernelConfig)?.[1]?.replace(/\\(.)/g, "$1") ?? "";
}

function parameterIn(text: string, name: string): string | undefined {
  const words: readonly string[] = text.match(/(?:[^\s"]|"[^"]*")+/g) ?? [];
  // After "--" are arguments of the first process.
  const end = words.indexOf("--");
  const known = end < 0 ? words : words.slice(0, end);
  const found = known.findLast((word) => word.startsWith(`${name}=`));
  return found?.slice(name.length + 1).replaceAll('"', "");
}
