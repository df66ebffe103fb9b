import type { Session } from "./session.js";
import { writeText } from "../ui/visible.js";

/** Where a command's result goes: lines for people on stdout, or one event with --json. */
export interface Printer {
  result(data: unknown, lines: readonly string[]): void;
  /** A part of a result, for people only: with --json `result` has it all. */
  line(lines: readonly string[]): void;
  /** A part of a result, as an event; for --json only. */
  row(data: unknown): void;
  /** For people only, on stderr. */
  note(text: string): void;
}

/** Printed after a detach from a console. `vm`: the words that name the VM. */
export function detachedNote(vm: string): string {
  return `\ndetached; the VM goes on (kdock console${vm}, kdock stop${vm})`;
}

export function createPrinter({ world, reporter, globals }: Session, command: string): Printer {
  return {
    result(data, lines) {
      if (globals.json === true) reporter.emit({ type: "result", command, data });
      else if (lines.length > 0) {
        reporter.pause();
        writeText(world.stdout, `${lines.join("\n")}\n`);
      }
    },
    line(lines) {
      if (globals.json === true || lines.length === 0) return;
      reporter.pause();
      writeText(world.stdout, `${lines.join("\n")}\n`);
    },
    row(data) {
      reporter.emit({ type: "row", command, data });
    },
    note(text) {
      if (globals.json === true) return;
      reporter.pause();
      writeText(world.stderr, `${text}\n`);
    },
  };
}
