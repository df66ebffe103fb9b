import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { beforeEach, describe, expect, it } from "vitest";
import { nodeFiles } from "../../../src/host/node-files.js";
import { useTemporaryFolder } from "./temporary-folder.js";

const inFolder = useTemporaryFolder();
let path: string;

beforeEach(() => {
  path = inFolder("f");
});

const breaking = () =>
  new Readable({
    read() {
      this.destroy(new Error("broken"));
    },
  });

describe.each([{ replace: false }, { replace: true }])("LateFileWriter with %o", ({ replace }) => {
  it("creates no file if it fails before the first byte", async () => {
    const writing = pipeline(breaking(), nodeFiles.writeLate(path, { replace }));
    await expect(writing).rejects.toThrow("broken");
    expect(await readdir(inFolder())).toEqual([]);
  });

  it("appends in place, and keeps bytes that were written before a failure", async () => {
    const file = nodeFiles.writeLate(path, { replace });
    await new Promise((resolve) => file.write("one", resolve));
    expect(await readFile(path, "utf8")).toBe("one");
    await new Promise((resolve) => file.write("two", resolve));
    await expect(pipeline(breaking(), file)).rejects.toThrow("broken");
    expect(await readFile(path, "utf8")).toBe("onetwo");
    expect(await readdir(inFolder())).toEqual(["f"]);
  });
});

describe("LateFileWriter for an existing file", () => {
  beforeEach(() => writeFile(path, "old and longer"));

  it("keeps the file if it fails before the first byte", async () => {
    const writing = pipeline(breaking(), nodeFiles.writeLate(path, { replace: true }));
    await expect(writing).rejects.toThrow("broken");
    expect(await readFile(path, "utf8")).toBe("old and longer");
  });

  it("replaces it with replace, and fails otherwise", async () => {
    const refused = pipeline(Readable.from(["new"]), nodeFiles.writeLate(path, { replace: false }));
    await expect(refused).rejects.toMatchObject({ code: "environment" });
    expect(await readFile(path, "utf8")).toBe("old and longer");
    await pipeline(Readable.from(["new"]), nodeFiles.writeLate(path, { replace: true }));
    expect(await readFile(path, "utf8")).toBe("new");
    expect(await readdir(inFolder())).toEqual(["f"]);
  });

  it("leaves no temporary file if it cannot be replaced", async () => {
    const taken = inFolder("folder");
    await mkdir(taken);
    const writing = pipeline(Readable.from(["new"]), nodeFiles.writeLate(taken, { replace: true }));
    await expect(writing).rejects.toMatchObject({ code: "environment" });
    expect((await readdir(inFolder())).sort()).toEqual(["f", "folder"]);
  });
});
