import { expect, it } from "vitest";
import type { ContainerInfo } from "../../../src/engine/engine.js";
import { chooseVm } from "../../../src/steps/vms.js";

const vm = (name: string, running: boolean): ContainerInfo => ({
  ...{ id: name, name, image: "", labels: {}, ports: [], createdAt: 0 },
  ...{ running, status: running ? "Up 3 minutes" : "Exited (0)" },
});

it.each([
  ["none", [], undefined],
  ["the only one", [vm("a", true)], "a"],
  ["one that has ended, for its last words", [vm("a", false)], "a"],
  ["the one that runs beside a leftover", [vm("old", false), vm("a", true)], "a"],
])("of a project's VMs, means %s", (_which, vms, name) => {
  expect(chooseVm(vms)?.name).toBe(name);
});

it.each([[[vm("a", true), vm("b", true), vm("c", false)]], [[vm("a", false), vm("b", false)]]])(
  "names them when it is not clear which one is meant",
  (vms) => {
    expect(() => chooseVm(vms)).toThrow(/several VMs: a \([^)]+\)?\)*, b \(/);
  },
);
