import { describe, expect, it } from "vitest";
import { readBuildLine, errorLines } from "../../../../src/core/plan/build-log.js";

describe("readBuildLine", () => {
  it.each([
    ["@kdock phase compile", { kind: "phase", phase: "compile" }],
    ["@kdock config 0a1b", { kind: "config", digest: "0a1b" }],
    ["@kdock notice a.c is odd", { kind: "notice", text: "a.c is odd" }],
    ["@kdock options 785", { kind: "options", count: 785 }],
    ["  CC      net/ipv4/tcp_ipv4.o", { kind: "object" }],
    ["  CC [M]  drivers/net/dummy.o", { kind: "object" }],
    ["  AS      arch/x86/entry/entry_64.o", { kind: "object" }],
    ["  AR      net/built-in.a", { kind: "text" }],
    ["make: Entering directory '/src'", { kind: "text" }],
  ])("parses %s", (line, meaning) => {
    expect(readBuildLine(line)).toEqual(meaning);
  });
});

describe("errorLines", () => {
  it("finds a compiler's error far above the end of a parallel build's log", () => {
    const log = [
      ...Array.from({ length: 500 }, (_, i) => `  CC      a${i}.o`),
      "net/ipv4/tcp_ipv4.c:42:1: error: expected ';' before 'return'",
      "   42 | return 0;",
      "      | ^~~~~~",
      ...Array.from({ length: 300 }, (_, i) => `  CC      b${i}.o`),
      "make[2]: *** [net/ipv4/tcp_ipv4.o] Error 1",
    ];
    const found = errorLines(log);
    expect(found[0]).toMatch(/error: expected/);
    expect(found).toContain("      | ^~~~~~");
    expect(found.at(-1)).toMatch(/Error 1/);
    expect(found.length).toBeLessThanOrEqual(30);
  });

  it("returns the end of a log without errors", () => {
    const log = Array.from({ length: 100 }, (_, i) => `line ${i}`);
    expect(errorLines(log).at(-1)).toBe("line 99");
    expect(errorLines(log)).toHaveLength(30);
  });

  it("includes an indented list below an error", () => {
    const list = Array.from({ length: 12 }, (_, i) => `  CONFIG_${i}=y  (is n)`);
    const log = ["error: not what was asked for:", ...list, "make: leaving", "more", "and", "more"];
    expect(errorLines(log)).toEqual(log.slice(0, 13));
  });

  it("ignores file names like error.o", () => {
    expect(errorLines(["  CC      lib/errname.o", "  CC      fs/error.o", "done"])).toEqual([
      "  CC      lib/errname.o",
      "  CC      fs/error.o",
      "done",
    ]);
  });
});
