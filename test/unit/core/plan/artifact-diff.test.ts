import { describe, expect, it } from "vitest";
import {
  configOptions,
  isEqual,
  type StageArtifacts,
  stageDiff,
} from "../../../../src/core/plan/artifact-diff.js";
import type { ManifestFile } from "../../../../src/core/plan/manifest.js";
import { diffText } from "../../../../src/repro/text/diff-text.js";

const DIGEST = { a: "a".repeat(64), b: "b".repeat(64) };

function file(path: string, size: number, sha256: string): ManifestFile {
  return { path, kind: "file", size, sha256, target: "" };
}

function link(path: string, target: string): ManifestFile {
  return { path, kind: "symlink", size: 0, sha256: "", target };
}

const BEFORE: StageArtifacts = {
  manifest: {
    stage: "kernel",
    key: "1111111111111111",
    inputs: {
      preset: "debug",
      toolchain: "gcc-14",
      "fragment a.config": DIGEST.a,
      folders: ["dev", "proc"],
    },
    resolved: { release: "6.12.117", compiler: "gcc-14 14.2.0" },
    tools: { bison: "3.8.2", make: "4.4" },
    files: [
      file("System.map", 10, DIGEST.a),
      file("bzImage", 20, DIGEST.a),
      file("old", 1, DIGEST.a),
      file("same", 1, DIGEST.a),
      link("sh", "busybox"),
    ],
  },
  config: 'CONFIG_A=y\n# CONFIG_B is not set\nCONFIG_SAME="x=y"\n# a remark\nCONFIG_LOST=12\n',
};

const AFTER: StageArtifacts = {
  manifest: {
    stage: "kernel",
    key: "2222222222222222",
    inputs: {
      toolchain: "gcc-14",
      preset: "tiny",
      "fragment a.config": DIGEST.b,
      "set CONFIG_A": "m",
      folders: ["dev", "proc", "sys"],
    },
    resolved: { release: "6.12.120", compiler: "gcc-14 14.2.0" },
    tools: { bison: "3.8.2", make: "4.5" },
    files: [
      file("System.map", 10, DIGEST.b),
      file("bzImage", 21, DIGEST.b),
      file("new", 2, DIGEST.b),
      file("same", 1, DIGEST.a),
      link("sh", "ash"),
    ],
  },
  config:
    'CONFIG_A=m\nCONFIG_B=y\nCONFIG_SAME="x=y"\n# CONFIG_QUIET is not set\n# another remark\n',
};

describe("stageDiff", () => {
  it("finds nothing between a stage and itself", () => {
    const diff = stageDiff(BEFORE, structuredClone(BEFORE));
    expect(isEqual(diff)).toBe(true);
  });

  it("lists changed, added and removed inputs", () => {
    const { inputs } = stageDiff(BEFORE, AFTER);
    expect(inputs).toEqual([
      { name: "folders", from: "dev proc", to: "dev proc sys" },
      { name: "fragment a.config", from: DIGEST.a, to: DIGEST.b },
      { name: "preset", from: "debug", to: "tiny" },
      { name: "set CONFIG_A", from: undefined, to: "m" },
    ]);
  });

  it("lists differing resolved versions and tools", () => {
    expect(stageDiff(BEFORE, AFTER).resolved).toEqual([
      { name: "release", from: "6.12.117", to: "6.12.120" },
    ]);
    expect(stageDiff(BEFORE, AFTER).tools).toEqual([{ name: "make", from: "4.4", to: "4.5" }]);
  });

  it("distinguishes an option that is off from one that does not exist", () => {
    expect(stageDiff(BEFORE, AFTER).config).toEqual([
      { name: "CONFIG_A", from: "y", to: "m" },
      { name: "CONFIG_B", from: "not set", to: "y" },
      { name: "CONFIG_LOST", from: "12", to: undefined },
      { name: "CONFIG_QUIET", from: undefined, to: "not set" },
    ]);
  });

  it("lists files that exist on one side only, or differ in size, content or target", () => {
    const { files } = stageDiff(BEFORE, AFTER);
    expect(files.map(({ name }) => name)).toEqual(["System.map", "bzImage", "new", "old", "sh"]);
    expect(files.find(({ name }) => name === "new")?.from).toBeUndefined();
    expect(files.find(({ name }) => name === "old")?.to).toBeUndefined();
  });

  it("reports different files of equal inputs", () => {
    const other = { ...BEFORE.manifest, files: [file("bzImage", 20, DIGEST.b)] };
    expect(isEqual(stageDiff(BEFORE, { ...BEFORE, manifest: other }))).toBe(false);
  });
});

describe("configOptions", () => {
  it("keeps quoted text, and ignores comments and CRLF", () => {
    expect(configOptions('#\n# Linux/x86\nCONFIG_T="a=b"\r\n# CONFIG_N is not set\r\n')).toEqual({
      CONFIG_T: '"a=b"',
      CONFIG_N: "not set",
    });
  });
});

describe("diffText", () => {
  it("groups differences, shortens digests and counts options that are off on both sides", () => {
    const stages = [stageDiff(BEFORE, AFTER)];
    const lines = diffText({ from: "kernel/1111", to: "kernel/2222", equal: false, stages });
    expect(lines).toEqual([
      "kernel/1111 → kernel/2222",
      "",
      "kernel: 1111111111111111 → 2222222222222222",
      "  inputs (4)",
      "    folders            dev proc → dev proc sys",
      "    fragment a.config  aaaaaaaaaaaa… → bbbbbbbbbbbb…",
      "    preset             debug → tiny",
      "    set CONFIG_A       (none) → m",
      "  resolved (1)",
      "    release  6.12.117 → 6.12.120",
      "  tools (1)",
      "    make  4.4 → 4.5",
      "  config (3)",
      "    CONFIG_A     y → m",
      "    CONFIG_B     not set → y",
      "    CONFIG_LOST  12 → (none)",
      "    1 more are off on both sides, and available on one only (--json has them)",
      "  files (5)",
      "    System.map  10 bytes, other content",
      "    bzImage     20 → 21 bytes",
      "    new         only in the second, 2 bytes",
      "    old         only in the first, 1 byte",
      "    sh          link to busybox → link to ash",
    ]);
  });

  it("reports that different inputs gave identical files", () => {
    const manifest = { ...AFTER.manifest, files: BEFORE.manifest.files };
    const stages = [stageDiff(BEFORE, { manifest, config: BEFORE.config })];
    const lines = diffText({ from: "a", to: "b", equal: false, stages });
    expect(lines.at(-1)).toBe("  every file is the same, byte for byte");
  });

  it("is one line if there is no difference", () => {
    const stages = [stageDiff(BEFORE, BEFORE)];
    expect(diffText({ from: "a", to: "b", equal: true, stages })).toEqual(["a → b: no difference"]);
  });
});
