import { createHash } from "node:crypto";
import { bytesOfText } from "./loose-text.js";

/** What a stage is made from: plain data, so that it can be hashed, stored in a manifest and compared. */
export type KeyInputs = Readonly<Record<string, string | number | boolean | readonly string[]>>;

export function sha256(data: string | Uint8Array): string {
  return createHash("sha256")
    .update(typeof data === "string" ? bytesOfText(data) : data)
    .digest("hex");
}

/** The same for equal inputs, whatever order they were written in. 16 hex digits: short enough for a folder's name. */
export function stageKey(inputs: KeyInputs): string {
  const sorted = Object.keys(inputs)
    .sort()
    .map((name) => [name, inputs[name]]);
  return sha256(JSON.stringify(sorted)).slice(0, 16);
}

/** The names, sorted, under which two records do not say the same. */
export function differingNames(
  before: Readonly<Record<string, unknown>>,
  after: Readonly<Record<string, unknown>>,
): string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .sort()
    .filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]));
}

/** Which inputs differ, for saying why work is owed: `preset: debug → tiny`. Hashes are not spelt out. */
export function changedInputs(before: KeyInputs, after: KeyInputs): string[] {
  return differingNames(before, after).map((name) => {
    const [from, to] = [before[name], after[name]].map(inWords);
    return from === undefined || to === undefined ? name : `${name}: ${from} → ${to}`;
  });
}

function inWords(value: KeyInputs[string] | undefined): string | undefined {
  if (value === undefined) return undefined;
  const text = Array.isArray(value) ? value.join(" ") : String(value);
  return /^[0-9a-f]{16,}$/.test(text) || text.includes("\n") || text.length > 60 || text === ""
    ? undefined
    : text;
}
