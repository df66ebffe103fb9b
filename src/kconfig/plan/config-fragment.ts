import { valueIn } from "./config-question.js";
import { configOptions } from "../../core/plan/artifact-diff.js";
import { configLine } from "../../core/plan/kconfig.js";

/** The first line of a fragment that is kdock's to write anew. */
const MARK =
  "# Written by `kdock config menu`: what differs from the preset and the other requests.";

/**
 * A fragment with new requests. One that `kdock config menu` wrote holds nothing else; in one of the user's own, comments
 * stay, and so do requests that are still true of the configuration that was saved.
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

/** Takes out of `rest` what already has its line. */
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
      // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- a map of our own
      delete rest[name];
      if (!isAsked && had !== wanted) return [];
      return [isAsked ? configLine(name, wanted) : line];
    });
}
