import { flagText } from "./key-flags.js";
import { configKeys, type ConfigKey } from "./keys.js";
import { isRecord, pathText, valueAt, withValue, type Layer, type RawValues } from "./layer.js";
import { rawMap, rawValue } from "./raw-value.js";
import type { Parsed } from "./addresses.js";

/**
 * Flags as a nested partial of the file: `{ vm: { cpus: "2" } }`. Text is read as the key needs it, maps may come as
 * ["NAME=VALUE"], undefined is the same as not there.
 */
export function flagLayer(values: RawValues): Layer {
  const keys = configKeys();
  const problems: string[] = [];
  // Keys that nobody knows stay, for the schema to refuse them.
  let raw = given(values);
  for (const key of keys) {
    const value = valueAt(values, key.path);
    if (value === undefined) continue;
    const parsed = read(key, value);
    if ("problem" in parsed) problems.push(`flag ${flagName(key)}: ${parsed.problem}`);
    else raw = withValue(raw, key.path, parsed.value);
  }
  return {
    values: raw,
    problems,
    where: (path) => {
      const key = keys.find((candidate) => candidate.path.every((part, at) => part === path[at]));
      if (key === undefined) return pathText(path);
      const rest = path.slice(key.path.length);
      return `flag ${flagName(key)}${rest.length === 0 ? "" : `: ${pathText(rest)}`}`;
    },
  };
}

function given(values: RawValues): RawValues {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(
    entries.map(([name, value]) => [name, isRecord(value) ? given(value) : value]),
  );
}

function read(key: ConfigKey, value: unknown): Parsed<unknown> {
  if (key.kind === "map" && Array.isArray(value)) return rawMap(value.map(String));
  // One flag is one item: a comma in it is the item's own.
  if (key.kind === "list" && typeof value === "string") return { value: [value] };
  return typeof value === "string" ? rawValue(key.kind, value) : { value };
}

/** As it was typed; a key that has no flag was set by a command. */
function flagName({ flags: [own], name }: ConfigKey): string {
  return own === undefined ? name : flagText(own);
}
