import { mkdir, symlink, writeFile } from "node:fs/promises";
import { beforeEach, describe, expect, it } from "vitest";
import { nodeFiles } from "../../../../src/host/node-files.js";
import { targetFile } from "../../../../src/core/steps/target-file.js";
import { useTemporaryFolder } from "../../host/temporary-folder.js";

const inFolder = useTemporaryFolder();
const at = (name: string) => inFolder(name);
const target = (name: string, force: boolean) =>
  targetFile(nodeFiles, name.startsWith("/") ? name : at(name), { force });

beforeEach(async () => {
  await writeFile(at("file"), "");
  await mkdir(at("folder"));
  await symlink("file", at("to-file"));
  await symlink("missing", at("to-nothing"));
  await symlink("/dev/null", at("to-device"));
});

describe("targetFile", () => {
  it("accepts a name that does not exist, with and without force", async () => {
    expect(await target("new", false)).toBe(at("new"));
    expect(await target("new", true)).toBe(at("new"));
  });

  it.each(["file", "to-file", "to-nothing"])("rejects %s without force", async (name) => {
    await expect(target(name, false)).rejects.toMatchObject({
      ...{ code: "usage", message: `${at(name)} already exists` },
    });
  });

  it("follows a link to a file with force, and replaces a dangling one", async () => {
    expect(await target("file", true)).toBe(at("file"));
    expect(await target("to-file", true)).toBe(at("file"));
    expect(await target("to-nothing", true)).toBe(at("to-nothing"));
  });

  it.each([
    ["folder", /is a folder$/],
    ["to-device", /is a device, socket or pipe$/],
    ["/dev/null", /is a device, socket or pipe$/],
    ["/dev/stdout", /is a device, socket or pipe$/],
  ])("rejects %s also with force", async (name, message) => {
    for (const force of [false, true]) {
      await expect(target(name, force)).rejects.toMatchObject({
        ...{ code: "usage", message: expect.stringMatching(message) as unknown },
      });
    }
  });
});
