import { expect, it } from "vitest";
import { unknownVm } from "../../../../src/vm/plan/unknown-vm.js";

it.each([
  ["servr", ["server", "client"], "", "Did you mean server? There is client, server."],
  ["other", ["vm"], "", "There is vm."],
  ["c", ["b", "a", "b"], "", "There is a, b."],
  ["c", [], "", "Start it with `kdock run --name c`."],
  ["servr", ["server"], "More.", "Did you mean server? There is server. More."],
])(
  "for %s where there are %j, the hint is what is near and what there is",
  (name, names, more, hint) => {
    expect(unknownVm(name, names, more)).toMatchObject({
      ...{ code: "usage", message: `this project has no VM ${name}`, hint },
    });
  },
);
