import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  BUILDER_EXIT,
  CAPTURE_EXIT,
  COLLECT_EXIT,
  MODULE_EXIT,
  RESOLVE_EXIT,
  SHAPE_EXIT,
} from "../../../../src/core/plan/script-exits.js";
import { TRAP_EXIT } from "../../../../src/debug/plan/trap.js";

const read = (path: string) => readFileSync(path, "utf8");
const FOLDERS = ["images/kernel", "images/busybox"];
const SCRIPTS = FOLDERS.flatMap((folder) =>
  readdirSync(folder)
    .filter((name) => /\.(?:sh|py)$/.test(name))
    .map((name) => `${folder}/${name}`),
);
/** sysexits.h has codes from here on; 1 and 2 are any failure, 128 and more signals. */
const FIRST = 64;

/** The exit codes in a script's code. */
function codesOf(path: string): number[] {
  const code = read(path).replace(/^\s*#.*$/gm, "");
  const found = [...code.matchAll(/(?:\bexit |sys\.exit\()(\d+)/g)].map(([, text]) => Number(text));
  return found.filter((each) => each >= FIRST && each < 128);
}

const sorted = (codes: Iterable<number>) => [...new Set(codes)].toSorted((a, b) => a - b);

describe("exit codes of the builders", () => {
  it("are those of kdock, and all of them", () => {
    const ofScripts = SCRIPTS.filter((path) => !path.endsWith("/module.sh")).flatMap(codesOf);
    expect(sorted(ofScripts)).toEqual(sorted(Object.values(BUILDER_EXIT)));
  });

  it.each(Object.entries(BUILDER_EXIT))("name %s as build.sh describes it", (name, code) => {
    const described = /^# Exit codes: ([^]*?)\.\n/m.exec(read("images/kernel/build.sh"))?.[1] ?? "";
    const meaning = new RegExp(`\\b${code} ([^;]*)`).exec(described.replaceAll("\n# ", " "))?.[1];
    expect(meaning).toMatch(
      {
        refused: /input is refused/,
        notAsLocked: /not what a lock expects/,
        otherTree: /sees other files than kdock/,
        unreachable: /no mirror can be reached/,
        notTaken: /did not take all of the artifacts/,
      }[name] ?? /^$/,
    );
  });

  it("are those of a module's builder, and all of them", () => {
    expect(sorted(codesOf("images/kernel/module.sh"))).toEqual(sorted(Object.values(MODULE_EXIT)));
  });
});

it("exit codes of the script that resolves packages are kdock's", () => {
  expect(sorted(codesOf("images/apt/resolve.sh"))).toEqual(Object.values(RESOLVE_EXIT));
});

it("exit codes of the script that collects a source are kdock's", () => {
  const { noSource, notCompiled } = COLLECT_EXIT;
  expect(sorted(codesOf("images/editor/collect.sh"))).toEqual([noSource, notCompiled]);
  const text = read("images/editor/collect.sh");
  expect(text).toContain(`[ -e /src/.kdock-source ] || exit ${noSource}\n`);
  expect(text).toContain(`[ -e /build/vmlinux ] || exit ${notCompiled}\n`);
});

it("exit codes of the debugger's scripts are kdock's", () => {
  const { hit, notHit, usage, stale, target, bug, interrupted } = TRAP_EXIT;
  expect(read("images/gdb/kdock/trap.py")).toContain(
    `OK, NOT_HIT, USAGE, STALE, TARGET, BUG, INTERRUPTED = ${[hit, notHit, usage, stale, target, bug, interrupted].join(", ")}\n`,
  );
  expect(read("images/gdb/kdock/debug.py")).toContain(
    `USAGE, STALE, TARGET = ${[usage, stale, target].join(", ")}\n`,
  );
});

it("exit codes of one script differ from each other, and from those of any failure", () => {
  for (const codes of [BUILDER_EXIT, MODULE_EXIT, COLLECT_EXIT, SHAPE_EXIT, CAPTURE_EXIT]) {
    const values: number[] = Object.values(codes);
    expect(new Set(values).size).toBe(values.length);
    expect(values).not.toContain(1);
  }
});
