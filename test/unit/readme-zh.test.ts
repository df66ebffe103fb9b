import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { ROOT } from "../support/kdock.js";

const HAN = /\p{Script=Han}/u;

/** What is shown (commands and output), and what a command list says beside its commands. */
const SHOWN = /^( {4}\S.*? {3,})(\S.*)$/;

/** Paragraphs, headings, tables and indented blocks. */
function pieces(markdown: string): string[] {
  const kept = markdown.replace(/^<!--.*-->\n/gm, "");
  return kept.split(/\n\n+/).map((piece) => piece.trimEnd());
}

/** What a translation leaves alone: code, links, options, names of files and of symbols, numbers. */
function untranslated(text: string): string {
  const code = Array.from(text.matchAll(/`[^`]+`/g), ([span]) => span.replace(/\s+/g, " "));
  const prose = text.replace(/`[^`]+`/g, " ");
  const links = Array.from(prose.matchAll(/\]\([^)]+\)/g), ([link]) => link);
  const words = Array.from(prose.replace(/\]\([^)]+\)/g, " ").matchAll(/[\w./:@-]+/g), ([word]) =>
    word.replace(/[./:-]+$/, ""),
  );
  const names = words.filter((word) => /[\d_]|^--?[a-z]|\w\.[a-z]|[:/]\w/i.test(word));
  return [...new Set([...code, ...links, ...names])].sort().join(" ");
}

function row(line: string): string {
  const [first = "", ...others] = line.split(/(?<!\\)\|/).slice(1, -1);
  const name = first.trim().startsWith("`") ? first.trim() : untranslated(first);
  return ["", name, ...others.map(untranslated)].join(" | ");
}

/** One line for each heading, paragraph, row of a table and line of a block: what has to be the same in both languages. */
function outline(markdown: string): string[] {
  return pieces(markdown).flatMap((piece) => {
    if (piece.startsWith("|")) return piece.split("\n").map(row);
    if (piece.startsWith("    ")) {
      return piece.split("\n").map((line) => {
        const [, command, description] = SHOWN.exec(line) ?? [];
        return description === undefined ? line : `${command}${untranslated(description)}`;
      });
    }
    const [mark = "paragraph"] = /^(#+|\*\*)/.exec(piece) ?? [];
    return [`${mark} ${untranslated(piece)}`];
  });
}

const shown = (markdown: string) =>
  pieces(markdown)
    .filter((piece) => piece.startsWith("    "))
    .flatMap((piece) => piece.split("\n"));

/** A page and its translation, and what stands under the title of each. */
const PAIRS = [
  { page: "README.md", chinese: "README.zh-CN.md", tutorial: "docs/tutorial" },
  { page: "docs/tutorial.md", chinese: "docs/tutorial.zh-CN.md", tutorial: "tutorial" },
];

describe.each(PAIRS)("$chinese", async ({ page, chinese: translated, tutorial }) => {
  const english = await readFile(`${ROOT}${page}`, "utf8");
  const chinese = await readFile(`${ROOT}${translated}`, "utf8");
  const name = (path: string) => path.replace(/^.*\//, "");

  it(`has the headings, paragraphs, commands, flags, keys, figures and links of ${page}, in its order`, () => {
    // Links from one language to the other, and to the tutorial of each.
    const body = (markdown: string) => {
      const [title = "", , ...rest] = pieces(markdown);
      return [title, ...rest].join("\n\n").replaceAll(`(${tutorial}.zh-CN.md`, `(${tutorial}.md`);
    };
    expect(outline(body(chinese))).toEqual(outline(body(english)));
  });

  it("shows commands and output byte by byte, but for what stands beside a command", () => {
    const originals = shown(english);
    const translations = shown(chinese);
    const untouched = translations.map((line, at) => (HAN.test(line) ? originals[at] : line));
    expect(untouched).toEqual(originals);
  });

  it("is Chinese", () => {
    const prose = pieces(chinese).filter((piece) => !/^(#| {4})/.test(piece));
    expect(prose.filter((piece) => !HAN.test(piece))).toEqual([]);
  });

  it(`leads to ${page} and back, under the title`, () => {
    expect(pieces(english)[1]).toMatch(new RegExp(`^\\[(简体)?中文\\]\\(${name(translated)}\\)$`));
    expect(pieces(chinese)[1]).toMatch(new RegExp(`^\\[English\\]\\(${name(page)}\\)`));
  });
});

describe("the comparison", () => {
  const text = `## Locks

\`kdock lock
--update\` writes kdock.lock in 2 s ([more](docs/lock.md)).

    kdock lock      pins \`it\` for 6.12

| Key | Default | |
|---|---|---|
| \`vm.a\` | \`1\` | as \`kdock ps\\|rm\` says |
`;
  const translation = `## 锁定

用 2 s 写出 kdock.lock 的是 \`kdock lock --update\`（[更多](docs/lock.md)）。

    kdock lock      为 6.12 锁定 \`it\`

<!-- 表 -->
| 键 | 默认值 | |
|---|---|---|
| \`vm.a\` | \`1\` | 见 \`kdock ps\\|rm\` |
`;

  it("does not see the language", () => {
    expect(outline(translation)).toEqual(outline(text));
  });

  it.each([
    ["a heading's level", "## ", "### "],
    ["a heading", "## 锁定\n\n", ""],
    ["a flag", " --update", ""],
    ["a subcommand", "kdock ps", "kdock"],
    ["a figure", "2 s", "3 s"],
    ["a file", "kdock.lock", "文件"],
    ["a link", "docs/lock.md", "docs/locks.md"],
    ["a command of a list", "kdock lock      ", "kdock look      "],
    ["the gap behind it", "kdock lock      ", "kdock lock     "],
    ["code beside it", "`it`", "它"],
    ["a version beside it", "6.12", "6.1"],
    ["a key", "`vm.a`", "`vm.b`"],
    ["a default", "`1`", "`2`"],
    ["a row", "| `vm.a` | `1` | 见 `kdock ps\\|rm` |\n", ""],
    ["a column", "| 键 |", "|"],
  ])("sees that %s is not the same", (_, part, other) => {
    expect(translation).toContain(part);
    expect(outline(translation.replace(part, other))).not.toEqual(outline(text));
  });
});
