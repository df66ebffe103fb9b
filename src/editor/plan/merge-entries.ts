import jsonc from "jsonc-parser";
import { KdockError } from "../../core/errors.js";
import { OURS } from "./ide-facts.js";

/** A file of JSON with comments that holds a list of named entries, some kdock's and the others somebody else's. */
export interface EntryFile {
  /** Relative to the project. */
  readonly path: string;
  /** The key of the list. */
  readonly list: string;
  /** The key of an entry's name. */
  readonly id: string;
  readonly entries: readonly Readonly<Record<string, unknown>>[];
  /** The file's other keys, for those that it lacks. */
  readonly rest: Readonly<Record<string, unknown>>;
}

/**
 * The text with kdock's entries as they are now; everything else, comments too, stays as it is. Throws a `usage` error
 * when the text is no such file.
 */
export function mergeEntries(file: EntryFile, text: string | undefined): string {
  if (text === undefined || text.trim() === "") return newFile(file);
  const before = parsed(file, text);
  let merged = text;
  const change = (path: jsonc.JSONPath, value: unknown, isArrayInsertion = false) => {
    const formattingOptions = formatting(text);
    merged = jsonc.applyEdits(
      merged,
      jsonc.modify(merged, path, value, { formattingOptions, isArrayInsertion }),
    );
  };

  for (const [key, value] of Object.entries(file.rest)) {
    if (!(key in before)) change([key], value);
  }
  const list = listIn(file, before);
  if (list === undefined) change([file.list], []);
  const names = (list ?? []).map((entry) => nameOf(file, entry));
  for (const [at, name] of [...names.entries()].reverse()) {
    const isGone = !file.entries.some((entry) => entry[file.id] === name);
    if (!name.startsWith(OURS) || (!isGone && names.indexOf(name) === at)) continue;
    change([file.list, at], undefined);
    names.splice(at, 1);
  }
  // New ones go to the front, where they part no comment from its entry.
  for (const entry of [...file.entries].reverse()) {
    const at = names.indexOf(String(entry[file.id]));
    const there = list?.find((each) => nameOf(file, each) === entry[file.id]);
    if (JSON.stringify(there) === JSON.stringify(entry)) continue;
    change([file.list, Math.max(at, 0)], entry, at === -1);
    if (at === -1) names.unshift(String(entry[file.id]));
  }
  return merged;
}

function newFile({ rest, list, entries }: EntryFile): string {
  const head = `// Entries whose names begin with "${OURS.trim()}" are written by \`kdock ide vscode\`; others are left alone.`;
  return `${head}\n${JSON.stringify({ ...rest, [list]: entries }, undefined, 2)}\n`;
}

function parsed(file: EntryFile, text: string): Record<string, unknown> {
  const errors: jsonc.ParseError[] = [];
  const value: unknown = jsonc.parse(text, errors, { allowTrailingComma: true });
  const [error] = errors;
  if (error !== undefined) {
    const line = text.slice(0, error.offset).split("\n").length;
    throw notSuch(file, `line ${line}: ${jsonc.printParseErrorCode(error.error)}`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw notSuch(file, "it is no object");
  }
  return value as Record<string, unknown>;
}

function listIn(file: EntryFile, value: Record<string, unknown>): unknown[] | undefined {
  const list = value[file.list];
  if (list === undefined || Array.isArray(list)) return list;
  throw notSuch(file, `"${file.list}" is no list`);
}

function nameOf(file: EntryFile, entry: unknown): string {
  if (typeof entry !== "object" || entry === null) return "";
  const name = (entry as Record<string, unknown>)[file.id];
  return typeof name === "string" ? name : "";
}

function notSuch({ path }: EntryFile, why: string): KdockError {
  return new KdockError("usage", `${path} cannot be added to (${why})`, {
    hint: "Correct it, or have it written anew, without what is in it, with --force.",
  });
}

/** The file's own habits. */
function formatting(text: string): jsonc.FormattingOptions {
  const indent = /^([ \t]+)\S/m.exec(text)?.[1] ?? "  ";
  return {
    insertSpaces: !indent.startsWith("\t"),
    tabSize: indent.length,
    eol: text.includes("\r\n") ? "\r\n" : "\n",
  };
}
