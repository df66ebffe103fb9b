import type { OverlayEntry } from "./overlay.js";

/** What is known of a guest's first process before it starts. */
export interface GuestInit {
  /** Whether rootfs.overlay has an /init in the place of kdock's. */
  readonly isOwn: boolean;
  /** Whether a file of the overlay names kdock's agent: then an own init is taken to start it. */
  readonly namesAgent: boolean;
}

export function guestInit(overlay: readonly OverlayEntry[]): GuestInit {
  return {
    isOwn: overlay.some(({ path, kind }) => path === "init" && kind !== "directory"),
    namesAgent: overlay.some((entry) => entry.kind === "file" && entry.namesAgent),
  };
}

/** What else decides about the first process. */
export interface StartWords {
  /** `vm.append` */
  readonly append: string;
  /** `vm.qemu` */
  readonly qemu: readonly string[];
  /** The text of the kernel's .config; undefined where it is not known. */
  readonly kernelConfig: string | undefined;
}

/** Why kdock's agent is not started in a guest, for people; undefined where it is, or may be. */
export function whyNoAgent(init: GuestInit, words: StartWords): string | undefined {
  if (words.qemu.includes("-initrd")) return "vm.qemu names another -initrd than kdock's";
  const program = lastWord(words, "rdinit");
  const isOwn = program === undefined ? init.isOwn : program.value !== "/init" || init.isOwn;
  if (!isOwn || init.namesAgent) return undefined;
  if (program === undefined || program.value === "/init") {
    return "rootfs.overlay brings its own /init, and no file in it names kdock-agent";
  }
  return `${program.from} says rdinit=${program.value}, which takes the place of kdock's /init`;
}

/** `init=` names what follows an initramfs without /init, and kdock's has one: such a word is not obeyed. */
export function deadInitWord(words: StartWords): string | undefined {
  const init = lastWord(words, "init");
  if (init === undefined || lastWord(words, "rdinit") !== undefined) return undefined;
  return `${init.from}: init=${init.value} has no effect in an initramfs, which starts /init; rdinit=${init.value} does`;
}

interface Word {
  readonly value: string;
  /** Where it is said. */
  readonly from: string;
}

/** The kernel obeys the last one, and its own command line comes first. */
function lastWord({ append, qemu, kernelConfig = "" }: StartWords, name: string): Word | undefined {
  const replaced = qemu.lastIndexOf("-append");
  const said =
    replaced < 0
      ? { text: append, from: "vm.append" }
      : { text: qemu[replaced + 1] ?? "", from: "vm.qemu" };
  const value = wordIn(said.text, name);
  if (value !== undefined) return { value, from: said.from };
  const own = wordIn(builtInWords(kernelConfig), name);
  return own === undefined ? undefined : { value: own, from: "CONFIG_CMDLINE" };
}

/** What a kernel says to itself before what it is told. */
export function builtInWords(kernelConfig: string): string {
  return /^CONFIG_CMDLINE="(.*)"$/m.exec(kernelConfig)?.[1]?.replace(/\\(.)/g, "$1") ?? "";
}

function wordIn(text: string, name: string): string | undefined {
  const words: readonly string[] = text.match(/(?:[^\s"]|"[^"]*")+/g) ?? [];
  // Behind "--" are the first process's own arguments.
  const end = words.indexOf("--");
  const known = end < 0 ? words : words.slice(0, end);
  const found = known.findLast((word) => word.startsWith(`${name}=`));
  return found?.slice(name.length + 1).replaceAll('"', "");
}
