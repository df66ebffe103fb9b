import { describe, expect, it } from "vitest";
import {
  makeFlags,
  makeVariables,
  variablesFile,
} from "../../../../src/modules/plan/make-variables.js";

describe("makeVariables", () => {
  it("accepts variables as make does, in order", () => {
    const given = ["DEBUG=1", 'EXTRA=-DNAME="a b" -O1', "CONFIG_HELLO=m", "EMPTY="];
    expect(makeVariables(given)).toEqual(given);
    expect(variablesFile(given)).toBe(`${given.join("\n")}\n`);
    expect(variablesFile([])).toBe("");
  });

  it.each(["DEBUG", "=1", "1A=2", "A B=1", "A=1\nB=2", "modules"])("rejects %j", (given) => {
    expect(() => makeVariables([given])).toThrow("is not a variable for make");
  });

  it.each([
    "M=/x",
    "O=out",
    "ARCH=arm",
    "CC=clang",
    "CROSS_COMPILE=x-",
    "SHELL=/x",
    "MAKEFLAGS=-k",
  ])("rejects the reserved %s", (given) => {
    expect(() => makeVariables([given])).toThrow("is fixed by the kernel's build");
  });
});

describe("makeFlags", () => {
  it("quotes values for a shell", () => {
    expect(makeFlags([])).toBe("");
    expect(makeFlags(["A=1", "B=it's $x"])).toBe(` --make A=1 --make 'B=it'\\''s $x'`);
  });
});
