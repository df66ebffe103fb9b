import { KdockError } from "../core/errors.js";
import { type Architecture, type Config, USUAL_ARCHITECTURE } from "./config.js";
import { environmentLayer } from "./environment.js";
import { flagLayer } from "./flags.js";
import { optionName } from "./kconfig-settings.js";
import { configKeys } from "./keys.js";
import { pathText, valueAt, withValue, type Layer, type RawValues } from "./layer.js";
import { parseConfig } from "./load.js";
import { describeIssue } from "./problems.js";
import { complete, ConfigFile } from "./schema.js";
import { expandSource, NO_SOURCE_CONTEXT } from "./source-spec.js";

export interface ConfigSources {
  /** undefined when there is no kdock.yaml. */
  readonly file?: { readonly name: string; readonly text: string } | undefined;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** See `flagLayer`. */
  readonly flags?: RawValues;
  /** Of the set that was built last: what there is no other word on, that decides. */
  readonly lastArch?: string | undefined;
  /** Which architecture is meant where nothing names one; `USUAL_ARCHITECTURE` unless it is given. */
  readonly usualArch?: Architecture | undefined;
}

/** Defaults < file < environment < flags. Rejects with one `config` error that lists every problem of every place. */
export function loadConfig({
  file,
  env = {},
  flags = {},
  lastArch,
  usualArch = USUAL_ARCHITECTURE,
}: ConfigSources): Config {
  const fileLayers = file === undefined ? [] : [parseConfig(file.text, file.name)];
  const last = lastArch === undefined ? [] : [lastLayer(lastArch)];
  const layers = [...last, ...fileLayers, environmentLayer(env), flagLayer(flags)];
  return mergeLayers(layers, usualArch);
}

function lastLayer(arch: string): Layer {
  return { values: { kernel: { arch } }, problems: [], where: pathText };
}

/** Later layers win, key by key: lists as a whole, maps entry by entry. */
export function mergeLayers(layers: readonly Layer[], usualArch: Architecture): Config {
  // Each by itself, so that a value which another place overrides is not left to surprise somebody later.
  const problems = layers.flatMap((layer) => [...layer.problems, ...check(layer)]);
  if (problems.length > 0) throw invalid(problems);

  const values = layers.map((layer) => layer.values);
  return complete(ConfigFile.parse(withLongSource(values.reduce(merge, {}), values)), usualArch);
}

const SOURCE = ["kernel", "source"] as const;

/** A bare "6.1" is of the provider that the places below name, or of the one that mirrors are configured for. */
function withLongSource(merged: RawValues, layers: readonly RawValues[]): RawValues {
  const words = layers
    .map((values) => valueAt(values, SOURCE))
    .filter((word) => typeof word === "string");
  if (words.length === 0) return merged;
  const mirrors = (valueAt(merged, ["kernel", "mirrors"]) ?? []) as readonly string[];
  const source = words.reduce<string>(
    (below, word) => expandSource(word, { source: below, mirrors }),
    NO_SOURCE_CONTEXT.source,
  );
  return withValue(merged, SOURCE, source);
}

function check(layer: Layer): string[] {
  const result = ConfigFile.safeParse(layer.values);
  if (result.success) return [];
  return result.error.issues.flatMap((issue) => describeIssue(issue, layer));
}

function invalid(problems: readonly string[]): KdockError {
  const lines = problems.map((problem) => `\n  ${problem}`);
  return new KdockError("config", `the configuration is not valid:${lines.join("")}`, {
    hint: "See docs/reference/kdock-yaml.md; `kdock init` writes a commented example.",
  });
}

function merge(below: RawValues, above: RawValues): RawValues {
  return configKeys().reduce((merged, key) => {
    const value = valueAt(above, key.path);
    if (value === undefined) return merged;
    if (key.kind !== "map") return withValue(merged, key.path, value);
    const both = { ...named(valueAt(below, key.path)), ...named(value) };
    return withValue(merged, key.path, both);
  }, below);
}

/** NET and CONFIG_NET are the same option, in whichever place they stand. */
function named(settings: unknown): Record<string, unknown> {
  const entries = Object.entries(settings ?? {}) as [string, unknown][];
  return Object.fromEntries(entries.map(([name, value]) => [optionName(name), value]));
}
