import { expect, it } from "vitest";
import { takeSlot } from "../../../../src/vm/plan/slots.js";

it.each([
  ["the first of all", "vm", [], [], 0],
  ["the next one", "b", [], [{ name: "a", index: 0 }], 1],
  ["a gap that somebody left", "c", [], [{ name: "b", index: 1 }], 0],
  ["its own, although it is alone", "client", ["server", "client"], [], 1],
  ["behind those that the file names, for a stranger", "x", ["server", "client"], [], 2],
  ["another one, where its own is taken", "server", ["server"], [{ name: "x", index: 0 }], 1],
  ["its own again, whatever it had", "a", ["a"], [{ name: "a", index: 4 }], 0],
])("takes %s", (_which, name, named, taken, index) => {
  expect(takeSlot(name, named, taken)).toEqual({ name, index });
});
