import { describe, expect, it } from "vitest";
import { changedInputs, stageKey } from "../../../../src/core/plan/keys.js";
import { ASSETS, overlayFile, plan, text } from "../../fixtures.js";

describe("stageKey", () => {
  it("does not depend on the order of its inputs", () => {
    expect(stageKey({ a: 1, b: "x" })).toBe(stageKey({ b: "x", a: 1 }));
  });

  it("distinguishes values of different types", () => {
    expect(stageKey({ a: "1" })).not.toBe(stageKey({ a: 1 }));
    expect(stageKey({ a: ["x", "y"] })).not.toBe(stageKey({ a: ["x y"] }));
  });
});

describe("changedInputs", () => {
  it("lists changed inputs, with values except for hashes", () => {
    const before = { preset: "debug", image: "0123456789abcdef" };
    const after = { preset: "tiny", image: "fedcba9876543210" };
    expect(changedInputs(before, after)).toEqual(["image", "preset: debug → tiny"]);
  });

  it("lists an added input", () => {
    expect(changedInputs({}, { "fragments.config": "0123456789abcdef" })).toEqual([
      "fragments.config",
    ]);
  });
});

describe("the keys of a plan", () => {
  const before = plan();

  it.each([
    ["kernel.preset", "kernel: { preset: tiny }", ["kernel", "set"]],
    ["kernel.source", "kernel: { source: 'debian:6.1' }", ["kernel", "set"]],
    ["kernel.deoptimize", "kernel: { deoptimize: [mm/slub.c] }", ["kernel", "set"]],
    ["an empty kernel.deoptimize", "kernel: { deoptimize: [] }", []],
    ["kernel.set", "kernel: { set: { TCP_CONG_BBR: y } }", ["kernel", "set"]],
    ["busybox.source", "busybox: { source: 'release:1.36.1' }", ["busybox", "rootfs", "set"]],
    ["vm.memory", "vm: { memory: 1G }", []],
    ["kernel.jobs", "kernel: { jobs: 1 }", []],
    ["kernel.ccache", "kernel: { ccache: false }", []],
    ["busybox.mirrors", "busybox: { mirrors: ['http://a.example'] }", []],
  ])("change with %s only for the stages that depend on it", (_what, yaml, expected) => {
    expect(changedStages(plan(yaml))).toEqual(expected);
  });

  it.each([
    ["images/kernel/build.sh", ["kernel", "set"]],
    ["images/kernel/kconfig.py", ["kernel", "busybox", "rootfs", "set"]],
    ["images/kernel/fetch.sh", ["kernel", "busybox", "rootfs", "set"]],
    ["images/rootfs/tree/init", ["busybox", "rootfs", "set"]],
    ["images/vm/start.sh", ["vmImage"]],
  ])("change when %s is edited", (path, expected) => {
    const assets = new Map(ASSETS).set(path, { content: text("edited"), executable: false });
    expect(changedStages(plan("", { assets }))).toEqual(expected);
  });

  it("do not change with the keys of accepted signers, which are files for the builder", () => {
    const key = { name: "vendor.asc", text: "-----BEGIN PGP PUBLIC KEY BLOCK-----\n" };
    const user = { kernelKeys: [key], busyboxKeys: [{ ...key, text: "first\n" }, key] };
    const after = plan("", { user });
    expect(changedStages(after)).toEqual([]);
    expect(after.kernel.files).toMatchObject({ "keys/1.asc": key.text });
    expect(after.busybox.files).toMatchObject({ "keys/1.asc": "first\n", "keys/2.asc": key.text });
  });

  it("do not change with the order of kernel.deoptimize, nor with duplicates in it", () => {
    const kernel = plan("kernel: { deoptimize: [b/x.c, a.c, b/x.c] }").kernel;
    expect(kernel.key).toBe(plan("kernel: { deoptimize: [a.c, b/x.c] }").kernel.key);
    expect(kernel.asked).toMatchObject({ deoptimize: "a.c b/x.c" });
    expect(kernel.container.env).toMatchObject({ KDOCK_DEOPTIMIZE: "a.c b/x.c" });
    expect(before.kernel.container.env).not.toHaveProperty("KDOCK_DEOPTIMIZE");
  });

  it("change with the content of a fragment or the overlay", () => {
    const fragment = (value: string) =>
      plan("", {
        user: { kernelFragments: [{ name: "net.config", text: `CONFIG_NET_SCHED=${value}\n` }] },
      });
    expect(fragment("y").kernel.key).not.toBe(fragment("m").kernel.key);
    const overlay = (content: string) =>
      plan("", { user: { overlay: [overlayFile("motd", content)] } });
    expect(overlay("a").rootfs.key).not.toBe(overlay("b").rootfs.key);
    expect(overlay("a").busybox.key).toBe(overlay("b").busybox.key);
  });

  function changedStages(after: ReturnType<typeof plan>): string[] {
    return [
      ["kernel", before.kernel.key, after.kernel.key],
      ["busybox", before.busybox.key, after.busybox.key],
      ["rootfs", before.rootfs.key, after.rootfs.key],
      ["vmImage", before.vmImage.key, after.vmImage.key],
      ["set", before.setKey, after.setKey],
    ].flatMap(([name, a, b]) => (a === b ? [] : [name ?? ""]));
  }
});
