import { expect, it } from "vitest";
import type { ContainerInfo } from "../../../../src/engine/engine.js";
import { LABEL } from "../../../../src/core/plan/names.js";
import { chooseRunningVm, chooseVm } from "../../../../src/vm/steps/choose-vm.js";

const vm = (name: string, running: boolean): ContainerInfo => ({
  ...{ id: name, name, image: "", ports: [], createdAt: 0 },
  labels: { [LABEL.vm]: JSON.stringify({ slot: { name, index: 0 } }) },
  ...{ running, status: running ? "Up 3 minutes" : "Exited (0)" },
});

it.each([
  ["none", [], undefined],
  ["the only one", [vm("a", true)], "a"],
  ["one that has ended, for its last words", [vm("a", false)], "a"],
  ["the one that runs beside a leftover", [vm("old", false), vm("a", true)], "a"],
])("of a project's VMs, means %s", (_which, vms, name) => {
  expect(chooseVm(vms, undefined)?.name).toBe(name);
});

it.each([[[vm("a", true), vm("b", true), vm("c", false)]], [[vm("a", false), vm("b", false)]]])(
  "names them when it is not clear which one is meant",
  (vms) => {
    expect(() => chooseVm(vms, undefined)).toThrow(/several VMs: a \([^)]+\)?\)*, b \(/);
  },
);

it("takes the one that is named, running or not", () => {
  expect(chooseVm([vm("a", true), vm("b", false)], "b")?.name).toBe("b");
});

it.each([
  [[vm("a", true), vm("b", false)], "There is a, b."],
  [[], "kdock run --name c"],
])("names those that there are, for one that there is not", (vms, hint) => {
  const choose = () => chooseVm(vms, "c");
  expect(choose).toThrow(/no VM c/);
  expect(choose).toThrow(
    expect.objectContaining({ hint: expect.stringContaining(hint) as string }),
  );
});

it("is an error to need one that has ended, or that nobody started", () => {
  expect(() => chooseRunningVm([vm("a", false)], undefined)).toThrow(
    expect.objectContaining({
      message: "the VM a is not running (Exited (0))",
      hint: "`kdock logs --vm a` shows its last words; `kdock run --name a` starts it anew.",
    }),
  );
  expect(() => chooseRunningVm([vm("vm", false)], undefined)).toThrow(
    expect.objectContaining({
      message: "the VM is not running (Exited (0))",
      hint: "`kdock logs` shows its last words; `kdock run` starts it anew.",
    }),
  );
  expect(() => chooseRunningVm([], undefined)).toThrow(/has no VM/);
  expect(chooseRunningVm([vm("old", false), vm("a", true)], undefined).name).toBe("a");
});
