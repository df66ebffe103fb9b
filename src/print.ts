import type { Reporter } from "./ui/reporter.js";
import { writeText } from "./ui/visible.js";
import type { GlobalFlags, World } from "./world.js";

/** Where a command's result goes: lines for people on stdout, or one event with --json. */
export interface Printer {
  result(data: unknown, lines: readonly string[]): void;
  /** Lines of a result that is told as it comes about; none with --json, where `result` has it all. */
  line(lines: readonly string[]): void;
  /** For people only, on stderr. */
  note(text: string): void;
}

/** Said wherever somebody leaves a console. */
export const DETACHED = "\ndetached; the VM goes on (kdock console, kdock stop)";

export function createPrinter(
  world: World,
  reporter: Reporter,
  globals: GlobalFlags,
  command: string,
): Printer {
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
    note(text) {
      if (globals.json === true) return;
      reporter.pause();
      writeText(world.stderr, `${text}\n`);
    },
  };
}
