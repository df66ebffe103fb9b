import { expect, it } from "vitest";
import { chooseVm } from "../../../src/steps/guest-vm.js";
import { standstillText } from "../../../src/steps/standstill.js";

const vm = (name: string, running = true) => ({
  ...{ id: `id-of-${name}`, name, running },
  status: running ? "Up 2 minutes" : "Exited (1) a minute ago",
});

it("is the one that runs, or the one that is named", () => {
  expect(chooseVm([vm("old", false), vm("a")], undefined).name).toBe("a");
  expect(chooseVm([vm("a"), vm("b")], "b").name).toBe("b");
});

it.each([
  ["nobody knows which", [vm("a"), vm("b")], undefined, /several VMs .* run: a, b/],
  ["there is none", [], undefined, /has no VM/],
  ["it has ended", [vm("a", false)], undefined, /not running \(Exited/],
  ["the name is another's", [vm("a")], "x", /no VM named x runs/],
])("is an error when %s", (_why, all, wanted, message) => {
  expect(() => chooseVm(all, wanted)).toThrow(message);
});

it("lists those that run when a name is unknown", () => {
  expect(() => chooseVm([vm("a"), vm("b", false)], "x")).toThrow(
    expect.objectContaining({ hint: "Running: a. A command comes after `--`." }) as Error,
  );
});

it("tells a debugger's stop from a machine that is broken", () => {
  expect(standstillText("running")).toBeUndefined();
  expect(standstillText("debug")).toMatch(/stopped by a debugger/);
  expect(standstillText("prelaunch")).toMatch(/stopped by a debugger/);
  expect(standstillText("io-error")).toMatch(/QEMU calls it io-error/);
});
