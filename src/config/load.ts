import {
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  type Document,
  type YAMLMap,
} from "yaml";
import { messageOf } from "../core/errors.js";
import { configKeys, configTree } from "./keys.js";
import { isRecord, pathText, valueAt, withValue, type Layer, type Path } from "./layer.js";
import type { RawValues } from "./layer.js";

/**
 * kdock.yaml as a layer. Syntax errors end up in its problems; whether its keys and values are known is for `mergeLayers`
 * to say, which sees the other places too.
 */
export function parseConfig(text: string, fileName: string): Layer {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${fileName}:${line}:${col}`;
  };
  const syntax = [...document.errors, ...document.warnings].map((error) => {
    const message = error.code === "MULTIPLE_DOCS" ? "more than one document" : error.message;
    return `${at(error.pos[0])}: ${message}`;
  });
  const where = (path: Path): string => {
    const offset = offsetOf(document, path);
    return `${offset === undefined ? fileName : at(offset)}: ${pathText(path)}`;
  };
  if (syntax.length > 0) return { values: {}, problems: syntax, where };
  return { ...read(document, fileName), where };
}

function read(
  document: Document.Parsed,
  fileName: string,
): { values: RawValues; problems: string[] } {
  keepSpelling(document);
  try {
    const content: unknown = document.toJS() ?? {};
    if (isRecord(content)) return { values: withoutEmptySections(content), problems: [] };
    return { values: {}, problems: [`${fileName}: expected a map of keys at the top`] };
  } catch (error) {
    // An alias without an anchor, or aliases that would grow without end.
    return { values: {}, problems: [`${fileName}: ${messageOf(error)}`] };
  }
}

/** `0x10` must reach a .config as "0x10", not as 16; and a kernel 6.10 is not 6.1. */
function keepSpelling(document: Document.Parsed): void {
  const source = document.getIn(["kernel", "source"], true);
  if (isScalar(source) && typeof source.value === "number") source.value = source.source;
  for (const { path } of configKeys().filter(({ kind }) => kind === "map")) {
    const node = document.getIn(path, true);
    if (!isMap(node)) continue;
    for (const { value } of node.items) {
      if (isScalar(value) && typeof value.value === "number") value.value = value.source;
    }
  }
}

/** A section whose keys are all commented out is null in YAML; so is a VM that has nothing special. */
function withoutEmptySections(content: RawValues): RawValues {
  const sections = configTree().flatMap((node) =>
    !("kind" in node) ? [node.path] : node.kind === "vms" ? namesBelow(content, node.path) : [],
  );
  return sections.reduce(
    (values, path) => (valueAt(values, path) === null ? withValue(values, path, {}) : values),
    content,
  );
}

function namesBelow(content: RawValues, path: readonly string[]): (readonly string[])[] {
  const vms = valueAt(content, path);
  return isRecord(vms) ? Object.keys(vms).map((name) => [...path, name]) : [];
}

/** Of the innermost key on the way that is there. */
function offsetOf(document: Document.Parsed, path: Path): number | undefined {
  let node: unknown = document.contents;
  let offset: number | undefined;
  for (const part of path) {
    const next = isMap(node) ? pairOf(node, part) : isSeq(node) ? itemOf(node.items, part) : {};
    node = next.value;
    offset = next.offset ?? offset;
  }
  return offset;
}

interface Found {
  readonly value?: unknown;
  readonly offset?: number | undefined;
}

function pairOf(map: YAMLMap, key: PropertyKey): Found {
  const pair = map.items.find((item) => isScalar(item.key) && String(item.key.value) === key);
  return { value: pair?.value, offset: startOf(pair?.key) };
}

function itemOf(items: readonly unknown[], index: PropertyKey): Found {
  const value = typeof index === "number" ? items[index] : undefined;
  return { value, offset: startOf(value) };
}

function startOf(node: unknown): number | undefined {
  return isMap(node) || isSeq(node) || isScalar(node) ? node.range?.[0] : undefined;
}
