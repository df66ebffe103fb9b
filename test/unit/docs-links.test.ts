import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, expect, it } from "vitest";
import { ROOT } from "../support/kdock.js";

const NOT_OURS = new Set(["node_modules", "dist", "man", ".git", ".kdock"]);

/** Their bytes decide the keys of kernels and of busybox, so a path in one of their comments may be an old one. */
const KEYED = /^(?:images\/(?:kernel|busybox|apt)\/|Dockerfile\.)/;

/** Paths relative to the repository. */
function filesBelow(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (NOT_OURS.has(entry.name)) return [];
    if (entry.isDirectory()) return filesBelow(path);
    return entry.isFile() ? [path] : [];
  });
}

function exists(path: string): boolean {
  return statSync(join(ROOT, path), { throwIfNoEntry: false }) !== undefined;
}

/** As GitHub makes them. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .replaceAll(" ", "-");
}

/** Without what is shown: commands and output. */
function proseOf(markdown: string): string {
  return markdown.replace(/^ {4}.*$/gm, "").replace(/^```[\s\S]*?^```$/gm, "");
}

function anchorsOf(markdown: string): string[] {
  return Array.from(proseOf(markdown).matchAll(/^#+ (.*)$/gm), ([, heading = ""]) =>
    anchorOf(heading),
  );
}

/** Links and pictures that lead nowhere. */
function brokenLinks(page: string, text: string): string[] {
  const prose = proseOf(text).replace(/`[^`]*`/g, "");
  const targets = [
    ...Array.from(prose.matchAll(/\]\(([^)\s]+)\)/g), ([, target = ""]) => target),
    ...Array.from(prose.matchAll(/(?:src|href)="([^"]+)"/g), ([, target = ""]) => target),
  ];
  return targets.filter((target) => {
    if (/^[a-z]+:/.test(target)) return false;
    const [path = "", anchor] = target.split("#");
    const file = path === "" ? page : normalize(join(dirname(page), path));
    if (!exists(file)) return true;
    return (
      anchor !== undefined && !anchorsOf(readFileSync(join(ROOT, file), "utf8")).includes(anchor)
    );
  });
}

/** Of the kernel's source. */
const KERNELS_OWN = new Set(["scripts/clang-tools", "scripts/gdb", "scripts/decode_stacktrace.sh"]);

/** `src/cli.ts` and the like, if it names one file or folder. */
function missingPaths(text: string): string[] {
  const spans = Array.from(text.matchAll(/`((?:src|images|test|scripts|docs)\/[^`\s]*)`/g));
  return spans
    .map(([, path = ""]) => path)
    .filter((path) => !/[*<>[\]]|NAME|ROOM|X\.Y/.test(path))
    .filter((path) => !KERNELS_OWN.has(path) && !exists(path));
}

const FILES = filesBelow("");
const PAGES = FILES.filter((path) => path.endsWith(".md"));

describe.each(PAGES)("%s", (page) => {
  const text = readFileSync(join(ROOT, page), "utf8");

  it("has links that lead somewhere", () => {
    expect(brokenLinks(page, text)).toEqual([]);
  });

  it("names files that exist", () => {
    expect(missingPaths(text)).toEqual([]);
  });
});

it.each([
  ["README.md", 220],
  ["docs/glossary.md", 40],
])("%s has at most %i lines", (page, most) => {
  expect(readFileSync(join(ROOT, page), "utf8").split("\n").length - 1).toBeLessThanOrEqual(most);
});

describe("pages of docs/", () => {
  it("are all named in docs/README.md", () => {
    const index = readFileSync(join(ROOT, "docs/README.md"), "utf8");
    const pages = PAGES.filter((page) => page.startsWith("docs/") && page !== "docs/README.md");
    expect(pages.filter((page) => !index.includes(`](${page.slice("docs/".length)})`))).toEqual([]);
  });

  it("exist where the source, its messages or a script mention them", () => {
    const sources = FILES.filter((path) => /^(?:src|images|scripts|test)\//.test(path));
    const missing = sources
      .filter((path) => !KEYED.test(path) && !path.endsWith(".test.ts"))
      .flatMap((path) => {
        const text = readFileSync(join(ROOT, path), "utf8");
        const named = Array.from(text.matchAll(/\bdocs\/[\w/.-]*?\.md\b/g), ([name]) => name);
        return named.filter((name) => !exists(name)).map((name) => `${path}: ${name}`);
      });
    expect(missing).toEqual([]);
  });
});

describe("the check of links", () => {
  it.each([
    ["[a](no-such-page.md)", ["no-such-page.md"]],
    ["[a](README.md#no-such-heading)", ["README.md#no-such-heading"]],
    ["[a](#no-such-heading)", ["#no-such-heading"]],
    ["![a](docs/no-picture.svg)", ["docs/no-picture.svg"]],
    ["# One: two, `three`\n\n[a](#one-two-three)", ["#one-two-three"]],
    ["[a](https://example.org/x)", []],
    ["[a](LICENSE)", []],
    ["`[a](in-code.md)`", []],
    ["    [a](in-output.md)", []],
  ])("%s", (text, broken) => {
    expect(brokenLinks("README.md", text)).toEqual(broken);
  });

  it("makes anchors as GitHub does", () => {
    expect(anchorOf("kdock.yaml: `vm.net`, and more")).toBe("kdockyaml-vmnet-and-more");
  });
});
