import { Command } from "commander";
import { describe, expect, it } from "vitest";
import { addHiddenVm, vmOf, vmOption, vmsOf, vmsOption } from "../../../src/app/vm-flag.js";

const usage = (message: RegExp): unknown =>
  expect.objectContaining({ code: "usage", message: expect.stringMatching(message) as string });

describe("vmOf", () => {
  it.each([
    [{}, undefined, undefined],
    [{ vm: "a" }, undefined, "a"],
    [{}, "a", "a"],
    [{ vm: "a" }, "a", "a"],
  ])("of %j and the positional %j is %j", (flags, positional, vm) => {
    expect(vmOf(flags, positional)).toBe(vm);
  });

  it("refuses two names, and says how to name one", () => {
    expect(() => vmOf({ vm: "a" }, "b")).toThrow(usage(/two VMs are named: a \(with --vm\) and b/));
    expect(() => vmOf({ vm: "a" }, "b")).toThrow(
      expect.objectContaining({ hint: expect.stringContaining("--vm NAME") as string }),
    );
  });

  it("refuses an empty name", () => {
    expect(() => vmOf({ vm: "" })).toThrow(usage(/name of the VM is empty/));
    expect(() => vmOf({}, "")).toThrow(usage(/name of the VM is empty/));
  });
});

describe("vmsOf", () => {
  it.each([
    [{}, [], []],
    [{ vm: ["a", "b"] }, [], ["a", "b"]],
    [{}, ["b", "a"], ["b", "a"]],
    [{ vm: ["a", "b"] }, ["b", "a", "a"], ["a", "b"]],
  ])("of %j and the positionals %j is %j", (flags, positionals, names) => {
    expect(vmsOf(flags, positionals)).toEqual(names);
  });

  it.each([
    [["a"], ["b"]],
    [["a"], ["a", "b"]],
    [["a", "b"], ["a"]],
  ])("refuses --vm %j beside %j", (vm, positionals) => {
    expect(() => vmsOf({ vm }, positionals)).toThrow(usage(/two VMs are named/));
  });

  it("refuses an empty name", () => {
    expect(() => vmsOf({ vm: [""] }, [])).toThrow(usage(/empty/));
    expect(() => vmsOf({}, [""])).toThrow(usage(/empty/));
  });
});

it("--vm is repeated only where there may be several", () => {
  const parsed = (option: ReturnType<typeof vmOption>) =>
    new Command().addOption(option).parse(["--vm", "a", "--vm", "b"], { from: "user" }).opts();
  expect(parsed(vmOption())).toEqual({ vm: "b" });
  expect(parsed(vmsOption())).toEqual({ vm: ["a", "b"] });
});

it("a hidden VM is parsed, and not in --help", () => {
  const command = addHiddenVm(new Command("load").argument("<name>", "a module"));
  command.parse(["hello", "a"], { from: "user" });
  expect(command.args).toEqual(["hello", "a"]);
  expect(command.usage("<name>").helpInformation()).not.toMatch(/vm/i);
  expect(command.helpInformation()).toContain("a module");
});
