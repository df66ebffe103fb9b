import { expect, it } from "vitest";
import { engineInfo } from "../../../src/engine/engine-json.js";
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

it.each([
  ["x86_64", "x86_64"],
  ["amd64", "x86_64"],
  ["arm64", "aarch64"],
  ["riscv64", "riscv64"],
])("an engine that calls its machine %s has processors of %s", (Architecture, machine) => {
  const info = {
    ...{ ServerVersion: "1", NCPU: 1, MemTotal: 1, DockerRootDir: "", OperatingSystem: "" },
    Architecture,
  };
  expect(engineInfo(info, "").architecture).toBe(machine);
});
