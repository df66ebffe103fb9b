import type { Session } from "./session.js";
import { writeText } from "../ui/visible.js";

/** Prints a command's result: text on stdout, or one event with --json. */
export interface Printer {
  result(data: unknown, lines: readonly string[]): void;
  /** A part of a result as text; nothing with --json, where `result` has all of it. */
  line(lines: readonly string[]): void;
  /** A part of a result as an event; with --json only. */
  row(data: unknown): void;
  /** On stderr; nothing with --json. */
  note(text: string): void;
}

/** Printed after a detach from a console. `vm`: the words that name the VM. */
export function detachedNote(vm: string): string {
  return `\ndetached; the VM keeps running (kdock console${vm}, kdock stop${vm})`;
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
