export type Path = readonly PropertyKey[];
export type RawValues = Readonly<Record<string, unknown>>;

/** What one place says about the configuration, not checked yet. */
export interface Layer {
  readonly values: RawValues;
  /** What is wrong with the place itself, ready to be shown. */
  readonly problems: readonly string[];
  /** Where a key comes from, as a message starts: "kdock.yaml:3:5: vm.cpus", "flag --cpus". */
  readonly where: (path: Path) => string;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** "vm.ports[0]", "kernel.set.CONFIG_NET" */
export function pathText(path: Path): string {
  return path
    .map((part) => (typeof part === "number" ? `[${part}]` : `.${String(part)}`))
    .join("")
    .replace(/^\./, "");
}

export function valueAt(values: unknown, path: Path): unknown {
  let value = values;
  for (const part of path) {
    if (typeof value !== "object" || value === null) return undefined;
    value = Object.hasOwn(value, part) ? (value as Record<PropertyKey, unknown>)[part] : undefined;
  }
  return value;
}

/** `values` with one more value in it; sections on the way are made. */
export function withValue(values: RawValues, path: readonly string[], value: unknown): RawValues {
  const [first, ...rest] = path;
  if (first === undefined) return values;
  const inner = values[first];
  const below = rest.length === 0 ? value : withValue(isRecord(inner) ? inner : {}, rest, value);
  return { ...values, [first]: below };
}
