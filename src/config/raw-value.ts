import type { Parsed } from "./addresses.js";
import type { KeyKind } from "./types.js";

const TRUE = /^(?:true|yes|on|1)$/i;
const FALSE = /^(?:false|no|off|0)$/i;

/** What a text from the environment or the command line stands for; the schema judges it afterwards. */
export function rawValue(kind: KeyKind, text: string): Parsed<unknown> {
  switch (kind) {
    case "text":
      return { value: text };
    case "integer":
    case "text-or-integer":
      return { value: /^-?\d{1,15}$/.test(text) ? Number(text) : text };
    case "boolean":
    case "text-or-boolean":
      return { value: TRUE.test(text) ? true : FALSE.test(text) ? false : text };
    case "list":
      return { value: splitList(text) };
    case "vms":
      return { problem: "stands in kdock.yaml only" };
    case "map":
      return rawMap(splitList(text));
  }
}

/** ["A=y", "B=n"] */
export function rawMap(assignments: readonly string[]): Parsed<Readonly<Record<string, string>>> {
  const entries = new Map<string, string>();
  for (const assignment of assignments) {
    const [, name, value] = /^([^=]+)=(.*)$/s.exec(assignment) ?? [];
    if (name === undefined || value === undefined) {
      return { problem: `expected NAME=VALUE, got "${assignment}"` };
    }
    if (entries.has(name)) return { problem: `${name} is given twice` };
    entries.set(name, value);
  }
  return { value: Object.fromEntries(entries) };
}

/** Between commas; `\,` is a comma inside an item. */
function splitList(text: string): string[] {
  if (text === "") return [];
  return text.split(/(?<!\\),/).map((item) => item.replaceAll("\\,", ",").trim());
}
