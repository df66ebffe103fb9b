import type { z } from "zod";
import { KdockError } from "../../core/errors.js";
import { FOLDER } from "../../core/plan/names.js";
import type { FailedEvent as Failed } from "../plan/trap.js";

type FailedEvent = z.infer<typeof Failed>;

/** Each kind's error code, and its hint where no similar names are known. */
const FAILURES: Readonly<Record<FailedEvent["kind"], readonly ["usage" | "vm", string]>> = {
  "unknown-function": ["usage", "Name a function, FILE:LINE or *ADDRESS of this kernel."],
  "bad-expression": ["usage", "Correct the expression: it is evaluated in the scope of the stop."],
  "bad-condition": ["usage", "Correct the condition: it is evaluated in the scope of the stop."],
  "bad-vmlinux": ["usage", "Build the kernel again: `kdock build --no-cache kernel`."],
  "stale-vmlinux": [
    "usage",
    "Restart the VM with the current build: `kdock stop`, `kdock run -d`.",
  ],
  "boot-only": ["usage", "Stop it while it boots: `kdock stop`, then `kdock debug --boot PLACE`."],
  "no-target": ["vm", "`kdock ps` shows whether the VM runs, `kdock logs` its console."],
  "busy-target": ["usage", "Quit the other debugger: the gdbstub serves one at a time."],
  "target-lost": ["vm", "`kdock logs` shows the end of the guest's console."],
  panicked: ["vm", "`kdock logs` shows the panic, `kdock decode` adds source lines."],
  "bad-request": ["vm", `See gdb's log in ${FOLDER.gdbLog}.`],
  bug: ["vm", `See gdb's log in ${FOLDER.gdbLog}.`],
};

/** One error for all events of kind "error"; the first decides code and hint. */
export function debuggerError(errors: readonly FailedEvent[]): KdockError {
  const [code, hint] = FAILURES[errors[0]?.kind ?? "bug"];
  const near = [...new Set(errors.flatMap((error) => error.near))].slice(0, 5);
  return new KdockError(code, errors.map(({ message }) => message).join("\n"), {
    hint: near.length > 0 ? `Did you mean ${near.join(", ")}?` : hint,
  });
}
