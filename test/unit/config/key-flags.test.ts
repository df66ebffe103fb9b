import { describe, expect, it } from "vitest";
import { FLAG_NAMES, type KeyFlags, keyValues } from "../../../src/config/key-flags.js";

describe("keyValues", () => {
  it.each<[KeyFlags, unknown]>([
    [{ cpus: "2", net: "user" }, { vm: { cpus: "2", net: { mode: "user" } } }],
    [{ preset: undefined }, {}],
    [{ gdb: false }, { gdb: { enable: false } }],
    [{ gdb: "0" }, { gdb: { listen: "0" } }],
    [{ gdb: true }, {}],
    [{ requireKvm: true, accel: "tcg" }, { vm: { accel: "kvm" } }],
  ])("of %j", (flags, values) => {
    expect(keyValues(flags)).toEqual(values);
  });

  it("leaves out flags that are no keys", () => {
    const flags = { jobs: "2", bootTimeout: "300", name: "server" };
    expect(keyValues(flags)).toEqual({ kernel: { jobs: "2" } });
  });
});

it("names the flag of a key as on the command line", () => {
  expect(FLAG_NAMES).toMatchObject({ "rootfs.init": "--init-script", "vm.accel": "--accel" });
});
