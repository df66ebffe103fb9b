import jsonc from "jsonc-parser";
import { KdockError } from "../../core/errors.js";
import { ENTRY_PREFIX } from "./ide-facts.js";

/** A JSONC file with a list of named entries, kdock's and the user's. */
export interface EntryFile {
  /** Relative to the project. */
  readonly path: string;
  /** The key of the list. */
  readonly list: string;
  /** The key of an entry's name. */
  readonly id: string;
  readonly entries: readonly Readonly<Record<string, unknown>>[];
  /** Other keys, which are added if the file lacks them. */
  readonly rest: Readonly<Record<string, unknown>>;
}

/** Updates kdock's entries in the text and keeps everything else, comments too. Throws a `usage` error for an invalid file. */
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
    const isStale = !file.entries.some((entry) => entry[file.id] === name);
    if (!name.startsWith(ENTRY_PREFIX) || (!isStale && names.indexOf(name) === at)) continue;
    change([file.list, at], undefined);
    names.splice(at, 1);
  }
  // New entries go to the front, where they separate no comment from its entry.
  for (const entry of [...file.entries].reverse()) {
    const at = names.indexOf(String(entry[file.id]));
    const existing = list?.find((each) => nameOf(file, each) === entry[file.id]);
    if (JSON.stringify(existing) === JSON.stringify(entry)) continue;
    change([file.list, Math.max(at, 0)], entry, at === -1);
    if (at === -1) names.unshift(String(entry[file.id]));
  }
  return merged;
}

function newFile({ rest, list, entries }: EntryFile): string {
  const head = `// Entries whose names begin with "${ENTRY_PREFIX.trim()}" are written by \`kdock ide vscode\`; others are not changed.`;
  return `${head}\n${JSON.stringify({ ...rest, [list]: entries }, undefined, 2)}\n`;
}

function parsed(file: EntryFile, text: string): Record<string, unknown> {
  const errors: jsonc.ParseError[] = [];
  const value: unknown = jsonc.parse(text, errors, { allowTrailingComma: true });
  const [error] = errors;
  if (error !== undefined) {
    const line = text.slice(0, error.offset).split("\n").length;
    throw invalidFile(file, `line ${line}: ${jsonc.printParseErrorCode(error.error)}`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw invalidFile(file, "not a JSON object");
  }
  return value as Record<string, unknown>;
}

function listIn(file: EntryFile, value: Record<string, unknown>): unknown[] | undefined {
  const list = value[file.list];
  if (list === undefined || Array.isArray(list)) return list;
  throw invalidFile(file, `"${file.list}" is not a list`);
}

function nameOf(file: EntryFile, entry: unknown): string {
  if (typeof entry !== "object" || entry === null) return "";
  const name = (entry as Record<string, unknown>)[file.id];
  return typeof name === "string" ? name : "";
}

function invalidFile({ path }: EntryFile, why: string): KdockError {
  return new KdockError("usage", `cannot merge kdock's entries into ${path} (${why})`, {
    hint: "Correct it, or replace it and its contents with --force.",
  });
}

/** As in the file: its first indentation and its line ends. */
function formatting(text: string): jsonc.FormattingOptions {
  const indent = /^([ \t]+)\S/m.exec(text)?.[1] ?? "  ";
  return {
    insertSpaces: !indent.startsWith("\t"),
    tabSize: indent.length,
    eol: text.includes("\r\n") ? "\r\n" : "\n",
  };
}
