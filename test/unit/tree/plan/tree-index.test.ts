import { describe, expect, it } from "vitest";
import { digestedFolder, treeContent } from "../../../../src/tree/plan/source-tree.js";
import { fileAt, filesOf, type TreeFolder } from "../../../../src/tree/plan/tree-folder.js";
import { packedDigest, packIndex, unpackIndex } from "../../../../src/tree/plan/tree-index.js";

function folder(change: Partial<TreeFolder>): TreeFolder {
  return digestedFolder({
    ...{ path: "", modified: 1_795_784_036_046.5562, changed: 0, names: [], folders: [] },
    ...{ modes: new Uint16Array(), numbers: new Float64Array(), digests: "" },
    ...change,
  });
}

const FOLDERS: TreeFolder[] = [
  folder({
    names: ["Makefile", "link"],
    folders: ["empty", "scripts"],
    modes: Uint16Array.of(0o100644, 0o120777),
    numbers: Float64Array.of(3, 1_795_784_036_046.5562, 0, 4, 3, 4),
    digests: "a".repeat(64) + "c".repeat(64),
  }),
  folder({ path: "empty" }),
  folder({
    path: "scripts",
    names: ["ü\nb"],
    modes: Uint16Array.of(0o100755),
    numbers: Float64Array.of(5e12, 1, 2.5),
    digests: "b".repeat(64),
  }),
];

describe("tree index", () => {
  it("is read back as it was written", () => {
    const { digest } = treeContent(FOLDERS);
    const packed = packIndex({ digest, folders: FOLDERS });
    expect(unpackIndex(packed)).toEqual({ digest, folders: FOLDERS });
    expect(packedDigest(packed.subarray(0, 200))).toBe(digest);
    expect(unpackIndex(packIndex({ digest, folders: [] }))).toEqual({ digest, folders: [] });
  });

  it("lists its files", () => {
    expect(filesOf(FOLDERS).map(({ path, isLink }) => [path, isLink])).toEqual([
      ["Makefile", false],
      ["link", true],
      ["scripts/ü\nb", false],
    ]);
    expect(FOLDERS[2] && fileAt(FOLDERS[2], 0)).toEqual({
      ...{ path: "scripts/ü\nb", mode: 0o755, size: 5e12, modified: 1 },
      ...{ isLink: false, digest: "b".repeat(64) },
    });
  });

  it("is undefined if it is truncated, or of another version of kdock", () => {
    const packed = packIndex({ digest: "d", folders: FOLDERS });
    expect(unpackIndex(undefined)).toBeUndefined();
    for (let length = 0; length < packed.length; length += 1) {
      expect(unpackIndex(packed.subarray(0, length))).toBeUndefined();
    }
    expect(unpackIndex(Buffer.concat([packed, Buffer.from("x")]))).toBeUndefined();
    expect(unpackIndex(Buffer.from("aa\t644\t1\t2\t3\tf\tMakefile\n"))).toBeUndefined();
    expect(unpackIndex(Buffer.from('{"form":"kdock tree 2","count":0}\n'))).toBeUndefined();
    expect(packedDigest(Buffer.from('{"form":"kdock tree 3"'))).toBeUndefined();
  });
});
