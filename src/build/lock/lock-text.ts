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
/** A file that was cut off would otherwise look like a shorter one. */
const END = "# end of kdock.lock";

/** Every map in it has its entries checksummed one by one, so that an edit is found and two merges rarely meet. */
const SECTIONS = ["bases", "images", "sources", "stages"] as const;

/** One fact to a line, whatever a file of the user's is called: a folded text would be a diff in several places. */
const ONE_LINE = {
  lineWidth: 0,
  blockQuote: false,
  doubleQuotedMinMultiLineLength: Number.POSITIVE_INFINITY,
} as const;

/** "kdock.lock:12" of an offset in the text. */
type At = (offset: number | undefined) => string;

/** Sorted, one fact to a line, the same text for the same lock. */
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
 * Rejects with a `config` error that names line and cause whatever is not exactly what `printLock` wrote: conflict
 * markers, a file cut off, a newer format, an edited entry.
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
  // First: whatever else looks wrong in it may be right to the kdock that wrote it.
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
    `${at(offsetOf(root, ["format"]))}: format ${format} is newer than this kdock, which knows ${LOCK_FORMAT}`,
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

/** kdock writes none, and what they stand for would only be known while they are replaced. */
function refuseAliases(document: Document.Parsed, at: At): void {
  visit(document, {
    Alias(_, { range, source }) {
      throw broken(
        `${at(range?.[0])}: *${source} stands for something else, which has no place here`,
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
  // What is wrong with a value says more than that it was edited.
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
    hint: "Restore the file (git checkout kdock.lock), or remove it and run `kdock lock` to resolve everything anew.",
  });
}

/** Of the innermost key on the way that is there, else of the whole. */
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

/** Over the entry's name too: under another one it would be a statement that nobody made. */
function checkOf(sorted: unknown, path: readonly string[]): string {
  return sha256(JSON.stringify([path, sorted])).slice(0, 16);
}

/** Takes the checksums out again and tells which of them are wrong; what has another shape is the schema's to refuse. */
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
