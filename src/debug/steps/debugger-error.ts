import type { z } from "zod";
import { KdockError } from "../../core/errors.js";
import { FOLDER } from "../../core/plan/names.js";
import type { FailedEvent as Failed } from "../plan/trap.js";

type FailedEvent = z.infer<typeof Failed>;

/** What each kind of failure is, and what to do about it. */
const FAILURES: Readonly<Record<FailedEvent["kind"], readonly ["usage" | "vm", string]>> = {
  "unknown-function": ["usage", "Name a function, FILE:LINE or *ADDRESS of this kernel."],
  "bad-expression": ["usage", "Correct the expression: it is read where the stop is."],
  "bad-condition": ["usage", "Correct the condition: it is read where the stop is."],
  "bad-vmlinux": ["usage", "Build the kernel again: `kdock build --no-cache kernel`."],
  "stale-vmlinux": ["usage", "Start the VM anew with what is built: `kdock stop`, `kdock run -d`."],
  "boot-only": ["usage", "Stop it while it boots: `kdock stop`, then `kdock debug --boot PLACE`."],
  "no-target": ["vm", "`kdock ps` and `kdock logs` tell how the VM does."],
  "busy-target": ["usage", "Quit the other debugger: the gdbstub serves one at a time."],
  "target-lost": ["vm", "`kdock logs` shows the guest's last words."],
  panicked: [
    "vm",
    "`kdock logs` shows what the kernel said last, `kdock decode` with source lines.",
  ],
  "bad-request": ["vm", `The whole story is in ${FOLDER.gdbLog}.`],
  bug: ["vm", `The whole story is in ${FOLDER.gdbLog}.`],
};

/** What gdb's side could not do, for the user. */
export function debuggerError(errors: readonly FailedEvent[]): KdockError {
  const [code, usual] = FAILURES[errors[0]?.kind ?? "bug"];
  const near = [...new Set(errors.flatMap((error) => error.near))].slice(0, 5);
  return new KdockError(code, errors.map(({ message }) => message).join("\n"), {
    hint: near.length > 0 ? `Did you mean ${near.join(", ")}?` : usual,
  });
}
