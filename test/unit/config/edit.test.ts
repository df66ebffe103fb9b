import { describe, expect, it } from "vitest";
import { withLastFragment, withSettings } from "../../../src/config/edit.js";
import { initTemplate } from "../../../src/config/init-template.js";
import { loadConfig } from "../../../src/config/layers.js";

const LAB = `# our lab
kernel:
    source: debian:6.12     # the team's
    set:
        NET: y   # short
        # about BBR
        CONFIG_TCP_CONG_BBR: m

    fragments:
    - a.config
vm: {cpus: 2}
`;

const kernelOf = (text: string) => loadConfig({ file: { name: "kdock.yaml", text } }).kernel;

describe("withSettings", () => {
  it("changes, adds and leaves everything else as it was written", () => {
    const text = withSettings(LAB, { CONFIG_NET: "n", CONFIG_LOG_BUF_SHIFT: "16" });
    expect(text).toBe(
      LAB.replace("NET: y   # short", "NET: n # short").replace(
        "_BBR: m\n",
        "_BBR: m\n        CONFIG_LOG_BUF_SHIFT: 16\n",
      ),
    );
  });

  it("takes out, and the whole map with its last option", () => {
    const without = withSettings(LAB, { CONFIG_TCP_CONG_BBR: undefined });
    expect(kernelOf(without).set).toEqual({ CONFIG_NET: "y" });
    const empty = withSettings("kernel:\n  set: { NET: y }\n  jobs: 1\n", {
      CONFIG_NET: undefined,
    });
    expect(empty).toBe("kernel:\n  jobs: 1\n");
    const alone = withSettings("kernel:\n  # ours\n  set: { NET: y }\nvm:\n  cpus: 1\n", {
      CONFIG_NET: undefined,
    });
    expect(alone).toContain("# ours");
    expect(alone).not.toMatch(/set|\{\}|null/);
    expect(kernelOf(alone).set).toEqual({});
  });

  it.each([
    ["", "kernel:\n  set:\n    CONFIG_A: y\n"],
    ["vm:\n  cpus: 2\n", "vm:\n  cpus: 2\nkernel:\n  set:\n    CONFIG_A: y\n"],
    ["kernel:\n  jobs: 1\n", "kernel:\n  jobs: 1\n  set:\n    CONFIG_A: y\n"],
    ["kernel: { set: { B: y } }\n", "kernel: { set: { B: y, CONFIG_A: y } }\n"],
    ["kernel:\n  set: {}\n", "kernel:\n  set:\n    CONFIG_A: y\n"],
  ])("makes the sections that are not there: %j", (before, after) => {
    expect(withSettings(before, { CONFIG_A: "y" })).toBe(after);
  });

  it.each(["y", "n", "16", "0x10", '"text"', '"y"', '"12"', '"a b: #c"', '""', "-1"])(
    "the value %s is read as it was meant",
    (value) => {
      const text = withSettings("", { CONFIG_A: value });
      expect(kernelOf(text).set).toEqual({ CONFIG_A: value });
    },
  );

  it("keeps the comments of a section that has nothing else", () => {
    const text = withSettings("kernel:\n  # source: debian:6.1\nvm:\n  cpus:   2   # two\n", {
      CONFIG_A: "y",
    });
    expect(text).toBe(
      "kernel:\n  # source: debian:6.1\n  set:\n    CONFIG_A: y\nvm:\n  cpus:   2   # two\n",
    );
  });

  it("changes little of what `kdock init` writes", () => {
    const before = initTemplate();
    const after = withSettings(before, { CONFIG_A: "y" });
    expect(after).toBe(before.replace("  set: {}\n", "  set:\n    CONFIG_A: y\n"));
    expect(kernelOf(after).set).toEqual({ CONFIG_A: "y" });
  });
});

describe("withLastFragment", () => {
  it.each([
    ["", "kernel:\n  fragments:\n    - k.config\n"],
    ["kernel:\n  fragments: []\n", "kernel:\n  fragments:\n    - k.config\n"],
    ["kernel:\n  fragments: [a]\n", "kernel:\n  fragments: [ a, k.config ]\n"],
    ["kernel:\n  fragments: [k.config]\n", "kernel:\n  fragments: [k.config]\n"],
    ["kernel:\n  fragments: [k.config, a]\n", "kernel:\n  fragments: [ a, k.config ]\n"],
  ])("names it once, and last: %j", (before, after) => {
    expect(withLastFragment(before, "k.config")).toBe(after);
  });

  it("is valid also where the file is spaced in a way of its own", () => {
    const odd = "kernel:\n   fragments:\n        - a\n   jobs:   2\n";
    const text = withLastFragment(odd, "k.config");
    expect(kernelOf(text)).toMatchObject({ fragments: ["a", "k.config"], jobs: 2 });
  });

  it("keeps how the list stands", () => {
    expect(withLastFragment(LAB, "k.config")).toBe(
      LAB.replace("    - a.config\n", "    - a.config\n    - k.config\n"),
    );
  });
});
