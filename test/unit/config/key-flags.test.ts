import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { buildFlagIn, type KeyFlags, keyValues } from "../../../src/config/key-flags.js";

describe("keyValues", () => {
  it.each<[KeyFlags, unknown]>([
    [{ cpus: "2", net: "user" }, { vm: { cpus: "2", net: { mode: "user" } } }],
    [{ preset: undefined }, {}],
    [{ gdb: false }, { gdb: { enable: false } }],
    [{ gdb: "0" }, { gdb: { listen: "0" } }],
    [{ gdb: true }, {}],
    [{ ipv6: "fd00::/64" }, { vm: { net: { ipv6: "fd00::/64" } } }],
    [{ ipv6: false }, { vm: { net: { ipv6: false } } }],
    [{ dumpOnPanic: true }, { vm: { dumpOnPanic: true } }],
    [{ dumpOnPanic: "panic.dump" }, { vm: { dumpOnPanic: true } }],
    [{ kernels: ["6.1"], archs: ["arm64"] }, {}],
    [{ requireKvm: true, accel: "tcg" }, { vm: { accel: "kvm" } }],
  ])("of %j", (flags, values) => {
    expect(keyValues(flags)).toEqual(values);
  });

  it("leaves out flags that are no keys", () => {
    const flags = { jobs: "2", bootTimeout: "300", name: "server" };
    expect(keyValues(flags)).toEqual({ kernel: { jobs: "2" } });
  });
});

it("counts paths of the command line from the working folder, whichever key they are of", () => {
  const flags: KeyFlags = {
    ...{ kernel: "./linux", preset: "file:my.config", fragment: ["net.config", "/abs.config"] },
    ...{ deoptimize: ["net/ipv4/tcp.c"], overlay: "rootfs", initScript: ["a.sh"] },
    ...{ disk: ["d.img", "1G"], share: ["../data:/mnt/x:rw", "."], cpus: "2" },
  };
  expect(keyValues(flags, (path) => resolve("/here", path))).toEqual({
    kernel: {
      ...{ source: "path:/here/linux", preset: "file:/here/my.config" },
      ...{ fragments: ["/here/net.config", "/abs.config"], deoptimize: ["net/ipv4/tcp.c"] },
    },
    rootfs: { overlay: "/here/rootfs", init: ["/here/a.sh"] },
    vm: { disks: ["/here/d.img:rw", "1G"], shares: ["/data:/mnt/x:rw", "/here"], cpus: "2" },
  });
});

it.each<[string, KeyFlags]>([
  ["git:/src/linux#main", { kernel: "git:./linux#main" }],
  ["debian:6.1", { kernel: "debian:6.1" }],
  ["git:https://example.org/linux#v6.1", { kernel: "git:https://example.org/linux#v6.1" }],
])("a source of the command line: %s", (source, flags) => {
  expect(keyValues(flags, (path) => resolve("/src", path))).toEqual({ kernel: { source } });
});

it("leaves empty paths for the schema to refuse", () => {
  const flags = { overlay: "", share: [":/mnt/x"] };
  expect(keyValues(flags, (path) => resolve("/here", path))).toEqual({
    ...{ rootfs: { overlay: "" }, vm: { shares: [":/mnt/x"] } },
  });
});

it.each<[KeyFlags, string | undefined]>([
  [{ cpus: "2", gdb: true }, undefined],
  [{ jobs: "2", share: ["."] }, "--jobs"],
  [{ strictInit: true }, "--strict-init"],
])("the flag that changes artifacts in %j", (flags, expected) => {
  expect(buildFlagIn(flags)).toBe(expected);
});
