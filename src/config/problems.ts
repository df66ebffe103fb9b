import type { z } from "zod";
import { configKeys, configTree, type ConfigKey } from "./keys.js";
import { isRecord, pathText, valueAt, type Layer, type Path } from "./layer.js";
import { nearest } from "./spelling.js";

type Issue = z.core.$ZodIssue;

const MAX_SHOWN_LENGTH = 60;

/** One line for each thing that is wrong: where, what was expected, what came. */
export function describeIssue(issue: Issue, layer: Layer): readonly string[] {
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => {
      const path = [...issue.path, key];
      return `${layer.where(path)}: unknown key${suggestion(issue.path, key)}`;
    });
  }
  return [`${layer.where(issue.path)}: ${problemText(issue, valueAt(layer.values, issue.path))}`];
}

function problemText(issue: Issue, value: unknown): string {
  if (value === null) return "has no value; give it one or remove the key";
  if (issue.code === "invalid_key") return issue.issues[0]?.message ?? issue.message;
  const key = keyAt(issue.path);
  const hasOwnMessage = issue.code === "custom" || issue.code === "invalid_format";
  if (hasOwnMessage && !issue.message.startsWith("Invalid")) return issue.message;

  const expected = key?.form ?? innerForm(issue.path) ?? sectionForm(issue.path);
  return `expected ${expected}, got ${show(value)}${nearestValue(issue, value)}`;
}

function keyAt(path: Path): ConfigKey | undefined {
  return configKeys().find((key) => key.name === pathText(asCommon(path)));
}

/** What stands under vms.NAME is a key of vm, or the gdbserver's address. */
function asCommon(path: Path): Path {
  const [first, , ...rest] = path;
  if (first !== "vms" || path.length < 2) return path;
  return rest[0] === "gdb" ? ["gdb", "listen", ...rest.slice(1)] : ["vm", ...rest];
}

/** For what stands inside a list or a map. */
function innerForm(path: Path): string | undefined {
  const outer = keyAt(path.slice(0, -1));
  if (outer === undefined) return undefined;
  return outer.kind === "map" ? "y, m, n, a text or a number" : "a text";
}

function sectionForm(path: Path): string {
  return `a map of keys (${wordsBelow(path).join(", ")})`;
}

function wordsBelow(section: Path): string[] {
  const path = asCommon(section);
  const isBelow = (other: Path) =>
    other.length === path.length + 1 && path.every((part, at) => part === other[at]);
  return configTree()
    .filter((node) => isBelow(node.path))
    .map((node) => node.path.at(-1) ?? "");
}

function suggestion(section: Path, key: string): string {
  const near = nearest(key, wordsBelow(section));
  if (near !== undefined) return `; did you mean ${near}?`;
  // Right word, wrong place.
  const elsewhere = configKeys().find(({ path }) => path.at(-1) === key);
  return elsewhere === undefined ? "" : `; did you mean ${elsewhere.name}?`;
}

function nearestValue(issue: Issue, value: unknown): string {
  const near = typeof value === "string" ? nearest(value, wordsOf(issue)) : undefined;
  return near === undefined ? "" : `; did you mean ${near}?`;
}

function wordsOf(issue: Issue): string[] {
  if (issue.code === "invalid_value") return issue.values.map(String);
  return issue.code === "invalid_union" ? issue.errors.flat().flatMap(wordsOf) : [];
}

function show(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  if (isRecord(value)) return "a map";
  const text = typeof value === "string" ? JSON.stringify(value) : String(value);
  return text.length > MAX_SHOWN_LENGTH ? `${text.slice(0, MAX_SHOWN_LENGTH)}…` : text;
}
