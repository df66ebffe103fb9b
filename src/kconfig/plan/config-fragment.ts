import { valueIn } from "./config-question.js";
import { configOptions } from "../../core/plan/artifact-diff.js";
import { configLine } from "../../core/plan/kconfig.js";

/** The first line of a fragment that kdock overwrites. */
const MARK =
  "# Written by `kdock config menu`: what differs from the preset and the other requests.";

/**
 * A fragment with new requests. One that `kdock config menu` wrote is replaced; in one of the user's, comments are kept, and so
 * are requests that match the saved configuration.
 */
export function newFragment(
  before: string | undefined,
  requests: Readonly<Record<string, string>>,
  config: string,
): string {
  const own = before === undefined || before.trim() === "" || before.startsWith(MARK);
  const rest = { ...requests };
  const lines = own ? [MARK] : keptLines(before, rest, configOptions(config));
  const added = Object.entries(rest).map(([name, value]) => configLine(name, value));
  return `${[...lines, ...added].join("\n")}\n`;
}

/** Removes requests that have a line from `rest`. */
function keptLines(
  text: string,
  rest: Record<string, string>,
  config: Readonly<Record<string, string>>,
): string[] {
  return text
    .trimEnd()
    .split(/\r?\n/)
    .flatMap((line) => {
      const [name] = Object.keys(configOptions(line));
      if (name === undefined) return [line];
      const wanted = rest[name] ?? valueIn(config, name);
      const had = valueIn(configOptions(line), name);
      const isAsked = name in rest;
      // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- a local map
      delete rest[name];
      if (!isAsked && had !== wanted) return [];
      return [isAsked ? configLine(name, wanted) : line];
    });
}
