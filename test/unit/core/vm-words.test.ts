import { expect, it } from "vitest";
import { detachedNote } from "../../../src/core/print.js";
import { vmWords, vmWordsUnlessDefault } from "../../../src/core/vm-words.js";

it("vmWords are the flag of a VM that has to be named", () => {
  expect(["a", "vm", undefined].map(vmWords)).toEqual([" --vm a", " --vm vm", ""]);
  expect(["a", "vm"].map(vmWordsUnlessDefault)).toEqual([" --vm a", ""]);
});

it("a detach is told with commands for the same VM", () => {
  expect(detachedNote("")).toContain("(kdock console, kdock stop)");
  expect(detachedNote(vmWords("a"))).toContain("(kdock console --vm a, kdock stop --vm a)");
});
