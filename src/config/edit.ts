import { type Document, isMap, isScalar, isSeq, parseDocument, Scalar, YAMLMap } from "yaml";
import { optionName, parseSettings } from "./kconfig-settings.js";

/** Options by full name with their values as a .config has them; undefined takes one out. */
export type SettingChanges = Readonly<Record<string, string | undefined>>;

/** kdock.yaml with other values in kernel.set. All that is not concerned stays as it was written. */
export function withSettings(text: string, changes: SettingChanges): string {
  return edited(text, (document) => {
    const kernel = mapIn(document, "kernel");
    for (const [name, value] of Object.entries(changes)) {
      const set = kernel.get("set", true);
      const there = isMap(set) ? set.items.find((item) => keyOf(item.key) === name) : undefined;
      if (value === undefined) {
        if (!isMap(set) || there === undefined) continue;
        set.delete(there.key);
        if (set.items.length === 0) kernel.delete("set");
        if (kernel.items.length === 0) document.set("kernel", emptied(kernel));
      } else if (there !== undefined) there.value = withComment(there.value, scalarFor(value));
      else if (isMap(set) && set.items.length > 0) set.set(name, scalarFor(value));
      else kernel.set("set", block(document.createNode({ [name]: scalarFor(value) })));
    }
  });
}

/** kdock.yaml with this file as the last of kernel.fragments, which is the one that wins over the others. */
export function withLastFragment(text: string, path: string): string {
  return edited(text, (document) => {
    const kernel = mapIn(document, "kernel");
    const list = kernel.get("fragments", true);
    if (!isSeq(list) || list.items.length === 0) {
      kernel.set("fragments", block(document.createNode([path])));
      return;
    }
    const at = list.items.findIndex((item) => isScalar(item) && item.value === path);
    if (at === list.items.length - 1) return;
    if (at >= 0) list.items.splice(at, 1);
    list.items.push(document.createNode(path));
  });
}

/** The names of the options that kernel.set of the file has. */
export function settingNames(text: string): string[] {
  const set = parseDocument(text).getIn(["kernel", "set"], true);
  return isMap(set) ? set.items.map((item) => keyOf(item.key)) : [];
}

/** A section whose keys are all commented out is null, with the comments as its own. */
function mapIn(document: Document, name: string): YAMLMap {
  if (!isMap(document.contents)) document.contents = block(document.createNode({}));
  const there = document.get(name, true);
  if (isMap(there)) return there;
  const made = block(new YAMLMap());
  if (isScalar(there) && there.comment != null) made.commentBefore = there.comment;
  document.set(name, made);
  return made;
}

/** A section of comments only, as `mapIn` finds it. */
function emptied(map: YAMLMap): Scalar {
  const nothing = new Scalar(null);
  if (map.commentBefore != null) nothing.comment = map.commentBefore;
  return nothing;
}

/** On lines of its own; what is made from something empty would be in brackets. */
function block<T>(node: T): T {
  if (isMap(node) || isSeq(node)) node.flow = false;
  return node;
}

function keyOf(key: unknown): string {
  return optionName(String(isScalar(key) ? key.value : key));
}

function withComment(before: unknown, scalar: Scalar): Scalar {
  if (isScalar(before) && before.comment != null) scalar.comment = before.comment;
  return scalar;
}

/** As a person would write it: y, 16, text without quotes where it is read as the same. */
function scalarFor(value: string): Scalar {
  if (/^(?:0|-?[1-9]\d{0,14})$/.test(value)) return new Scalar(Number(value));
  const inner = /^"(.*)"$/s.exec(value)?.[1];
  if (inner === undefined) return new Scalar(value);
  const plain = parseSettings({ X: inner });
  return new Scalar(plain.settings["CONFIG_X"] === value ? inner : value);
}

/**
 * The library writes a whole document anew, in its own way of spacing. Of that only the lines are taken over that differ in
 * more than spaces.
 */
function edited(text: string, change: (document: Document) => void): string {
  const document = parseDocument(text);
  change(document);
  const whole = document.toString({
    lineWidth: 0,
    nullStr: "",
    indent: /^( +)\S/m.exec(text.replace(/^\s*#.*$/gm, ""))?.[1]?.length ?? 2,
    indentSeq: !/^( *)[\w-]+:[ \t]*(?:#.*)?\n\1- /m.test(text),
  });
  if (text.trim() === "") return whole;
  const [before, after] = [text.split("\n"), whole.split("\n")];
  const isSame = (one = "", two = "") => one.replace(/\s+/g, "") === two.replace(/\s+/g, "");
  const most = Math.min(before.length, after.length);
  let head = 0;
  while (head < most && isSame(before[head], after[head])) head += 1;
  let tail = 0;
  while (tail < most - head && isSame(before.at(-1 - tail), after.at(-1 - tail))) tail += 1;
  const above = { was: indentOf(before[head - 1]), is: indentOf(after[head - 1]) };
  const changed = after.slice(head, after.length - tail).map((line) => {
    const isBeside = above.was !== above.is && indentOf(line) === above.is;
    return isBeside ? " ".repeat(above.was) + line.trimStart() : line;
  });
  const rest = before.slice(before.length - tail);
  const result = [...before.slice(0, head), ...changed, ...rest].join("\n");
  return means(result, document) ? result : whole;
}

function indentOf(line = ""): number {
  return line.length - line.trimStart().length;
}

/** Spacing that is mixed in a way of its own may not take a line in between. */
function means(text: string, document: Document): boolean {
  const parsed = parseDocument(text);
  if (parsed.errors.length > 0) return false;
  return JSON.stringify(parsed.toJS()) === JSON.stringify(document.toJS());
}
