import { expect, it } from "vitest";
import { hasLabels } from "../../../src/engine/labels.js";

it("takes nothing for found that has one of the labels only, as Podman does", () => {
  const found = [
    { name: "vm", labels: { "io.kdock.role": "vm", "io.kdock.project": "a" } },
    { name: "host's", labels: { "io.kdock.role": "hostnet", "io.kdock.project": "a", more: "" } },
    { name: "another's", labels: { "io.kdock.role": "hostnet", "io.kdock.project": "b" } },
  ];
  const wanted = { "io.kdock.role": "hostnet", "io.kdock.project": "a" };
  expect(found.filter(hasLabels(wanted)).map(({ name }) => name)).toEqual(["host's"]);
});
