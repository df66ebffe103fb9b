import { describe, expect, it } from "vitest";
import { changedInputs, stageKey } from "../../../../src/core/plan/keys.js";
import { ASSETS, overlayFile, plan, text } from "../../fixtures.js";

describe("stageKey", () => {
  it("does not depend on the order of its inputs", () => {
    expect(stageKey({ a: 1, b: "x" })).toBe(stageKey({ b: "x", a: 1 }));
  });

  it("tells values apart that look alike", () => {
    expect(stageKey({ a: "1" })).not.toBe(stageKey({ a: 1 }));
    expect(stageKey({ a: ["x", "y"] })).not.toBe(stageKey({ a: ["x y"] }));
  });
});

describe("changedInputs", () => {
  it("names what changed, with words where there are any and without hashes", () => {
    const before = { preset: "debug", image: "0123456789abcdef" };
    const after = { preset: "tiny", image: "fedcba9876543210" };
    expect(changedInputs(before, after)).toEqual(["image", "preset: debug → tiny"]);
  });

  it("names an input that is new", () => {
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
    ["kernel.deoptimize, which is empty", "kernel: { deoptimize: [] }", []],
    ["kernel.set", "kernel: { set: { TCP_CONG_BBR: y } }", ["kernel", "set"]],
    ["busybox.source", "busybox: { source: 'release:1.36.1' }", ["busybox", "rootfs", "set"]],
    ["vm.memory, which no artifact is made from", "vm: { memory: 1G }", []],
    ["kernel.jobs, which must not matter", "kernel: { jobs: 1 }", []],
    ["kernel.ccache, which must not matter", "kernel: { ccache: false }", []],
    ["busybox.mirrors, which must not matter", "busybox: { mirrors: ['http://a.example'] }", []],
  ])("change with %s where they must, and only there", (_what, yaml, expected) => {
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

  it("do not change with those who may sign, whose keys are put beside the builder's", () => {
    const key = { name: "vendor.asc", text: "-----BEGIN PGP PUBLIC KEY BLOCK-----\n" };
    const user = { kernelKeys: [key], busyboxKeys: [{ ...key, text: "first\n" }, key] };
    const after = plan("", { user });
    expect(changedStages(after)).toEqual([]);
    expect(after.kernel.files).toMatchObject({ "keys/1.asc": key.text });
    expect(after.busybox.files).toMatchObject({ "keys/1.asc": "first\n", "keys/2.asc": key.text });
  });

  it("do not change with the order of kernel.deoptimize, nor with a file that stands there twice", () => {
    const kernel = plan("kernel: { deoptimize: [b/x.c, a.c, b/x.c] }").kernel;
    expect(kernel.key).toBe(plan("kernel: { deoptimize: [a.c, b/x.c] }").kernel.key);
    expect(kernel.asked).toMatchObject({ deoptimize: "a.c b/x.c" });
    expect(kernel.container.env).toMatchObject({ KDOCK_DEOPTIMIZE: "a.c b/x.c" });
    expect(before.kernel.container.env).not.toHaveProperty("KDOCK_DEOPTIMIZE");
  });

  it("change when a fragment's or overlay's content changes", () => {
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
