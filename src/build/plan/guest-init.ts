import { plainPath } from "../../core/byte-path.js";
import { KdockError } from "../../core/errors.js";
import type { RootTree } from "./root-tree.js";

/** With this file, kdock's /init executes busybox's init at its end. */
export const INITTAB = "etc/inittab";

const HINT = "The kernel starts it as the first process: give rootfs.overlay an init that can run.";

/** Throws a `config` error for a root whose /init the kernel cannot start. Messages are those of images/rootfs/pack.pl. */
export function checkInit(root: Pick<RootTree, "resolve">): void {
  const init = root.resolve("init");
  // kdock's /init executes /sbin/init in that case.
  if (root.resolve(INITTAB) !== undefined && root.resolve("sbin/init") === undefined) {
    const message = `rootfs.overlay has ${INITTAB}, but the root has no /sbin/init, which reads it`;
    throw new KdockError("config", message, { hint: "Build busybox with CONFIG_INIT=y." });
  }
  const refuse = (why: string): never => {
    throw new KdockError("config", `the guest's /init ${why}`, { hint: HINT });
  };
  if (init === undefined) return refuse("is a link to what is not in the root");
  if (init.kind !== "file") return refuse(`is no file, but a ${init.kind}`);
  if ((init.mode & 0o111) === 0) {
    return refuse(`is not executable (mode ${init.mode.toString(8).padStart(4, "0")})`);
  }
  const shell = interpreterOf(headOf(init));
  if (shell === undefined) return;
  if (shell.endsWith("\r")) return refuse("has the line ends of Windows (CRLF)");
  const found = root.resolve(shell);
  if (found?.kind !== "file" || (found.mode & 0o111) === 0) {
    refuse(`needs ${plainPath(shell)}, which the root has not, or not as a program`);
  }
}

function headOf(file: { readonly head?: Uint8Array; readonly content: unknown }): Uint8Array {
  return file.head ?? (file.content instanceof Uint8Array ? file.content : new Uint8Array());
}

/** The interpreter of a script, by its first line, as the kernel parses it. */
function interpreterOf(head: Uint8Array): string | undefined {
  const text = Buffer.from(head).toString("latin1");
  const line = text.split("\n", 1)[0] ?? "";
  return /^#![ \t]*([^ \t]+)/.exec(line)?.[1];
}
