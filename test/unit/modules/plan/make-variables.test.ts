import { expect, it } from "vitest";
import {
  makeFlags,
  makeVariables,
  variablesFile,
} from "../../../../src/modules/plan/make-variables.js";

it("takes variables as make does, in their order", () => {
  const given = ["DEBUG=1", 'EXTRA=-DNAME="a b" -O1', "CONFIG_HELLO=m", "EMPTY="];
  expect(makeVariables(given)).toEqual(given);
  expect(variablesFile(given)).toBe(`${given.join("\n")}\n`);
  expect(variablesFile([])).toBe("");
});

it.each(["DEBUG", "=1", "1A=2", "A B=1", "A=1\nB=2", "modules"])("refuses %j", (given) => {
  expect(() => makeVariables([given])).toThrow("is no variable for make");
});

it.each(["M=/x", "O=out", "ARCH=arm", "CC=clang", "CROSS_COMPILE=x-", "SHELL=/x", "MAKEFLAGS=-k"])(
  "leaves %s to the kernel",
  (given) => {
    expect(() => makeVariables([given])).toThrow("is what the kernel was built with");
  },
);

it("quotes them for a shell where it would cut them", () => {
  expect(makeFlags([])).toBe("");
  expect(makeFlags(["A=1", "B=it's $x"])).toBe(` --make A=1 --make 'B=it'\\''s $x'`);
});
