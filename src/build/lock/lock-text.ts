import {
  type Document,
  isMap,
  isNode,
  isScalar,
  LineCounter,
  parseDocument,
  stringify,
  visit,
  type YAMLMap,
} from "yaml";
import { KdockError } from "../../core/errors.js";
import { sha256 } from "../../core/plan/keys.js";
import { type Lock, LOCK_FORMAT, LockFile } from "./lock.js";

const HEADER = `# What kdock resolved: commit this file, and everybody builds the same bytes.
# \`kdock lock --update\` moves it on; do not edit it by hand (every entry carries a checksum).
`;
/** Detects a truncated file. */
const END = "# end of kdock.lock";

/** Maps whose entries have a checksum each, so that edits are detected and merges rarely conflict. */
const SECTIONS = ["bases", "images", "sources", "stages"] as const;

/** One line per value: folded text would make diffs larger. */
const ONE_LINE = {
  lineWidth: 0,
  blockQuote: false,
  doubleQuotedMinMultiLineLength: Number.POSITIVE_INFINITY,
} as const;

/** "kdock.lock:12" of an offset in the text. */
type At = (offset: number | undefined) => string;

/** Sorted, one value per line; equal locks give equal text. */
export function printLock(lock: Lock): string {
  const body = {
    format: lock.format,
    kdock: lock.kdock,
    ...Object.fromEntries(
      SECTIONS.map((name) => [
        name,
        mapEntries<object>(lock[name], (entry, key) => withCheck(entry, [name, key])),
      ]),
    ),
    files: withCheck(lock.files, ["files"]),
  };
  return `${HEADER}${stringify(body, ONE_LINE)}${END}\n`;
}

/**
 * Throws a `config` error with line and cause for a file that `printLock` has not written: conflict markers, a truncated file, a
 * newer format, an edited entry.
 */
export function parseLock(text: string, name: string): Lock {
  const lines = text.split(/\r?\n/);
  refuseConflict(lines, name);
  const counter = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: counter,
    prettyErrors: false,
    version: "1.2",
  });
  const at: At = (offset) => `${name}:${counter.linePos(offset ?? 0).line || 1}`;
  const root = isMap(document.contents) ? document.contents : undefined;
  // First: other errors may be valid in a newer format.
  refuseNewer(root, at);
  refuseCutOff(lines, name);
  const [error] = document.errors;
  if (error !== undefined) throw broken(`${at(error.pos[0])}: ${error.message}`);
  if (root === undefined) {
    const found: unknown = document.contents;
    throw broken(`${at(isNode(found) ? found.range?.[0] : 0)}: expected a map of sections`);
  }
  refuseAliases(document, at);
  return checked(document.toJS(), root, at);
}

function refuseConflict(lines: readonly string[], name: string): void {
  const line = lines.findIndex((text) => /^(?:<{7}|\|{7}|={7}|>{7})(?: |$)/.test(text));
  if (line < 0) return;
  throw new KdockError("config", `${name}:${line + 1}: a merge conflict is not resolved here`, {
    hint: `Take one side (git checkout --ours ${name} or --theirs), then run \`kdock lock\`.`,
  });
}

function refuseNewer(root: YAMLMap | undefined, at: At): void {
  const format = root?.get("format");
  if (typeof format !== "number" || format <= LOCK_FORMAT) return;
  const writer = root?.get("kdock");
  throw new KdockError(
    "config",
    `${at(offsetOf(root, ["format"]))}: format ${format} is newer than this kdock, which supports ${LOCK_FORMAT}`,
    {
      hint: `Update kdock: the file was written by kdock ${typeof writer === "string" ? writer : "of another version"}.`,
    },
  );
}

function refuseCutOff(lines: readonly string[], name: string): void {
  const last = lines.findLastIndex((line) => line.trim() !== "");
  if (last < 0) throw broken(`${name}:1: the file is empty`);
  if (lines[last]?.trim() === END) return;
  throw broken(`${name}:${last + 1}: the file ends here, without "${END}": it was cut off`);
}

/** kdock writes no aliases; they could only be checked while they are resolved. */
function refuseAliases(document: Document.Parsed, at: At): void {
  visit(document, {
    Alias(_, { range, source }) {
      throw broken(
        `${at(range?.[0])}: *${source} is a YAML alias, which kdock.lock may not contain`,
      );
    },
  });
}

function checked(content: unknown, root: YAMLMap, at: At): Lock {
  const problems: string[] = [];
  const where = (path: readonly PropertyKey[]) =>
    `${at(offsetOf(root, path))}: ${path.map(String).join(".")}`;
  const bare = withoutChecks(content, (path) => {
    problems.push(`${where(path)}: does not match its checksum: it was edited by hand, or merged`);
  });
  const result = LockFile.safeParse(bare);
  // An invalid value is reported before a wrong checksum: its message says more.
  if (!result.success) {
    throw broken(
      result.error.issues
        .map((i) => {
          const unknown = i.code === "unrecognized_keys" ? i.keys.slice(0, 1) : [];
          return `${where([...i.path, ...unknown])}: ${i.message}`;
        })
        .join("\n  "),
    );
  }
  if (problems.length > 0) throw broken(problems.join("\n  "));
  return result.data;
}

function broken(problem: string): KdockError {
  return new KdockError("config", problem, {
    hint: "Restore the file (git checkout kdock.lock), or remove it and run `kdock lock` to resolve everything again.",
  });
}

/** The offset of the innermost key of a path that exists; otherwise that of the root. */
function offsetOf(root: YAMLMap | undefined, path: readonly PropertyKey[]): number | undefined {
  let node: unknown = root;
  let offset = root?.range?.[0];
  for (const part of path) {
    if (!isMap(node)) break;
    const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(part));
    if (pair === undefined) break;
    offset = isScalar(pair.key) ? pair.key.range?.[0] : offset;
    node = pair.value;
  }
  return offset;
}

function withCheck(entry: object, path: readonly string[]): object {
  const sorted = sortedDeep(entry) as object;
  return { ...sorted, check: checkOf(sorted, path) };
}

/** Covers the entry's name too, so that a renamed entry is detected. */
function checkOf(sorted: unknown, path: readonly string[]): string {
  return sha256(JSON.stringify([path, sorted])).slice(0, 16);
}

/** Removes the checksums and reports wrong ones. Ignores values of another type: the schema rejects these. */
function withoutChecks(content: unknown, onWrong: (path: string[]) => void): unknown {
  if (!isPlain(content)) return content;
  const open = (entry: unknown, path: string[]): unknown => {
    if (!isPlain(entry)) return entry;
    const { check, ...rest } = entry;
    if (check !== checkOf(sortedDeep(rest), path)) onWrong(path);
    return rest;
  };
  const opened = { ...content, files: open(content["files"], ["files"]) };
  for (const name of SECTIONS) {
    const section = content[name];
    if (!isPlain(section)) continue;
    Object.assign(opened, {
      [name]: mapEntries(section, (entry, key) => open(entry, [name, key])),
    });
  }
  return opened;
}

function mapEntries<T>(
  map: Readonly<Record<string, T | undefined>>,
  change: (entry: T & object, key: string) => unknown,
): Record<string, unknown> {
  return Object.fromEntries(
    Object.keys(map)
      .sort()
      .flatMap((key) =>
        map[key] === undefined ? [] : [[key, change(map[key] as T & object, key)]],
      ),
  );
}

function sortedDeep(value: unknown): unknown {
  if (!isPlain(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .filter((key) => value[key] !== undefined)
      .map((key) => [key, sortedDeep(value[key])]),
  );
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
