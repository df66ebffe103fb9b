import { configKeys, type ConfigKey } from "./keys.js";
import { type RawValues, withValue } from "./layer.js";
import type { Flag, FlagNamesOf } from "./row.js";
import type { ROWS } from "./rows/rows.js";

/** "init-script" → "initScript", "no-gdb" → "gdb": what commander calls it. */
type Attribute<Name extends string> = Name extends `no-${infer Positive}`
  ? Camel<Positive>
  : Camel<Name>;

type Camel<Name extends string> = Name extends `${infer Head}-${infer Rest}`
  ? `${Head}${Capitalize<Camel<Rest>>}`
  : Name;

/** Flags of a command line that stand for keys of kdock.yaml, as commander hands them over. */
export type KeyFlags = Readonly<Partial<Record<Attribute<FlagNamesOf<typeof ROWS>>, unknown>>>;

const NEGATED = "no-";
const ARTIFACT_SECTIONS = ["kernel", "busybox", "rootfs"];

/** The first of these flags that changes artifacts: "--preset". */
export function buildFlagIn(flags: KeyFlags): string | undefined {
  return configKeys()
    .filter(({ path: [section = ""] }) => ARTIFACT_SECTIONS.includes(section))
    .flatMap((key) => key.flags)
    .filter((flag) => given(flag, flags) !== undefined)
    .map(flagText)[0];
}

/** "--init-script" */
export function flagText({ name }: Flag): string {
  return `--${name}`;
}

/**
 * The nested partial that `flagLayer` reads: `{ vm: { cpus: "2" } }` out of `--cpus 2`. `absolute` is applied to the
 * paths in it: those of the command line are relative to the working folder, those of kdock.yaml to that file.
 */
export function keyValues(flags: KeyFlags, absolute?: (path: string) => string): RawValues {
  let values: RawValues = {};
  for (const key of configKeys()) {
    for (const flag of key.flags) {
      const value = flag.isKey === false ? undefined : valueOf(key, flag, flags);
      if (value !== undefined) values = withValue(values, key.path, typedIn(key, value, absolute));
    }
  }
  return values;
}

function valueOf({ kind }: ConfigKey, flag: Flag, flags: KeyFlags): unknown {
  const value = given(flag, flags);
  if (value === undefined) return undefined;
  if (flag.sets !== undefined) return flag.sets;
  return kind === "boolean" ? true : value;
}

/** undefined unless it was typed: `--no-gdb` leaves false for `--gdb`, and without either there may be true. */
function given(flag: Flag, flags: Readonly<Record<string, unknown>>): unknown {
  const value = flags[attribute(flag)];
  if (flag.name.startsWith(NEGATED)) return value === false ? value : undefined;
  const takesText = flag.value?.startsWith("<") === true;
  return value === false || (takesText && value === true) ? undefined : value;
}

function attribute({ name }: Flag): string {
  return name.replace(/^no-/, "").replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
}

function typedIn(
  { typedIn: change }: ConfigKey,
  value: unknown,
  absolute: ((path: string) => string) | undefined,
): unknown {
  if (change === undefined || absolute === undefined) return value;
  const one = (text: unknown) => (typeof text === "string" ? change(text, absolute) : text);
  return Array.isArray(value) ? value.map(one) : one(value);
}
