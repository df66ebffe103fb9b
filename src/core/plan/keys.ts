import { createHash } from "node:crypto";
import { bytesOfText } from "./loose-text.js";

/** The inputs of a stage, as plain data: hashed, stored in a manifest and compared. */
export type KeyInputs = Readonly<Record<string, string | number | boolean | readonly string[]>>;

export function sha256(data: string | Uint8Array): string {
  return createHash("sha256")
    .update(typeof data === "string" ? bytesOfText(data) : data)
    .digest("hex");
}

/** Independent of the order of inputs. 16 hex digits: short enough for a folder's name. */
export function stageKey(inputs: KeyInputs): string {
  const sorted = Object.keys(inputs)
    .sort()
    .map((name) => [name, inputs[name]]);
  return sha256(JSON.stringify(sorted)).slice(0, 16);
}

/** The sorted names whose values differ between two records. */
export function differingNames(
  before: Readonly<Record<string, unknown>>,
  after: Readonly<Record<string, unknown>>,
): string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .sort()
    .filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]));
}

/** The inputs that differ, to print why a stage is out of date: `preset: debug → tiny`. Hashes are left out. */
export function changedInputs(before: KeyInputs, after: KeyInputs): string[] {
  return differingNames(before, after).map((name) => {
    const [from, to] = [before[name], after[name]].map(shownValue);
    return from === undefined || to === undefined ? name : `${name}: ${from} → ${to}`;
  });
}

function shownValue(value: KeyInputs[string] | undefined): string | undefined {
  if (value === undefined) return undefined;
  const text = Array.isArray(value) ? value.join(" ") : String(value);
  return /^[0-9a-f]{16,}$/.test(text) || text.includes("\n") || text.length > 60 || text === ""
    ? undefined
    : text;
}
