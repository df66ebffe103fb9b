import { expect, it } from "vitest";
import { treeContent, type TreeFile } from "../../../src/plan/source-tree.js";
import { packIndex, unpackIndex } from "../../../src/plan/tree-index.js";

const FILES: TreeFile[] = [
  {
    ...{ path: "Makefile", mode: 0o644, size: 3, modified: 1_795_784_036_046.5562, changed: 0 },
    ...{ digest: "a".repeat(64), isLink: false },
  },
  {
    ...{ path: "scripts/ü\nb", mode: 0o755, size: 5e12, modified: 1, changed: 2.5 },
    ...{ digest: "b".repeat(64), isLink: false },
  },
  {
    ...{ path: "tools/link", mode: 0o777, size: 4, modified: 3, changed: 4 },
    ...{ digest: "c".repeat(64), isLink: true },
  },
];

it("comes back as it was", () => {
  const { digest } = treeContent(FILES);
  expect(unpackIndex(packIndex({ digest, files: FILES }))).toEqual({ digest, files: FILES });
  expect(unpackIndex(packIndex({ digest, files: [] }))).toEqual({ digest, files: [] });
});

it("is none where something is missing, or another kdock wrote it", () => {
  const packed = packIndex({ digest: "d", files: FILES });
  expect(unpackIndex(undefined)).toBeUndefined();
  expect(unpackIndex(packed.subarray(0, packed.length - 1))).toBeUndefined();
  expect(unpackIndex(Buffer.concat([packed, Buffer.from("x")]))).toBeUndefined();
  expect(unpackIndex(Buffer.from("aa\t644\t1\t2\t3\tf\tMakefile\n"))).toBeUndefined();
  expect(unpackIndex(Buffer.from('{"form":"kdock tree 1","count":0}\n'))).toBeUndefined();
});
