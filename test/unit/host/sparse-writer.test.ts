import { readFile, stat } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { expect, it } from "vitest";
import { nodeFiles } from "../../../src/host/node-files.js";
import { useTemporaryFolder } from "./temporary-folder.js";

const inFolder = useTemporaryFolder();
const MEGABYTE = 1 << 20;

it("SparseWriter writes holes for zeros, also at the end", async () => {
  const path = inFolder("core");
  const chunks = [Buffer.alloc(MEGABYTE), Buffer.from("memory"), Buffer.alloc(4 * MEGABYTE)];
  await pipeline(chunks, await nodeFiles.writeSparse(path, 0o600));
  expect((await readFile(path)).equals(Buffer.concat(chunks))).toBe(true);
  const { blocks, mode } = await stat(path);
  expect(blocks * 512).toBeLessThan(MEGABYTE);
  expect(mode & 0o777).toBe(0o600);
});
