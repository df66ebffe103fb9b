import { describe, expect, it } from "vitest";
import { loadArguments, loadOutcome } from "../../../../src/modules/plan/load-module.js";
import { readModuleList } from "../../../../src/build/plan/module-plan.js";

const AGAIN = "kdock module build hello --load";
const outcome = (...lines: string[]) => loadOutcome(lines, AGAIN);

describe("loadArguments", () => {
  it("keeps the order of obj-m, with dependencies first", () => {
    const list = readModuleList(
      "user.ko\tsnd-lib,dummy\t6.12\nsnd-lib.ko\t\t6.12\nother.ko\t\t6.12\n",
    );
    expect(loadArguments(list)).toEqual([
      "snd-lib.ko:snd_lib:",
      "user.ko:user:snd-lib,dummy",
      "other.ko:other:",
    ]);
  });

  it("accepts circular dependencies, which the kernel rejects", () => {
    const list = readModuleList("a.ko\tb\tx\nb.ko\ta\tx\n");
    expect(list.map(({ file }) => file).sort()).toEqual(["a.ko", "b.ko"]);
  });
});

describe("loadOutcome", () => {
  it("is the kernel's log without time stamps", () => {
    expect(outcome("loaded", "", "[    5.000001] hello: hi", "")).toEqual(["hello: hi"]);
  });

  it.each([
    [
      ["load hello 1", "insmod: can't insert '/x/hello.ko': invalid module format"],
      "[ 1.0] hello: version magic '6.1.0 SMP mod_unload ' should be '6.12.9 SMP mod_unload '",
      'hello was built for another kernel: "6.1.0 SMP mod_unload", but "6.12.9 SMP mod_unload" is running',
    ],
    [
      [
        "load hello 1",
        "insmod: can't insert '/x/hello.ko': unknown symbol in module, or unknown parameter",
      ],
      "[ 1.0] hello: Unknown symbol foo (err -2)",
      "hello needs foo, which neither the kernel nor a loaded module exports",
    ],
    [
      ["load hello 1", "insmod: can't insert '/x/hello.ko': Key was rejected by service"],
      "[ 1.0] Loading of unsigned module is rejected",
      "this kernel loads signed modules only, and does not trust the signature of hello",
    ],
    [
      ["load hello 1", "insmod: can't insert '/x/hello.ko': Device or resource busy"],
      "[ 1.0] hello: nothing there",
      "hello was not loaded: Device or resource busy\n  hello: nothing there",
    ],
    [
      ["load hello 137", ""],
      "[ 1.0] BUG: kernel NULL pointer dereference, address: 0000000000000000",
      "kernel oops while loading hello: BUG: kernel NULL pointer dereference",
    ],
    [
      ["load dummy 1", "insmod: can't insert '/x/dummy.ko': File exists"],
      "",
      "the kernel already has a module named dummy",
    ],
    [
      ["unload hello 2 -", "rmmod: can't unload module 'hello': Resource temporarily unavailable"],
      "",
      "cannot unload hello: its use count is 2",
    ],
    [
      [
        "unload hello 1 user,",
        "rmmod: can't unload module 'hello': Resource temporarily unavailable",
      ],
      "",
      "cannot unload hello: it is used by user",
    ],
    [
      ["unload hello 0 -", "rmmod: can't unload module 'hello': Operation not permitted"],
      "",
      "no module_exit function",
    ],
  ])("explains %j", (head, log, message) => {
    expect(() => outcome(...head, log)).toThrow(message);
  });
});
