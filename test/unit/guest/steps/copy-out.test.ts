import { execFileSync } from "node:child_process";
import { link, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { nodeFiles } from "../../../../src/host/node-files.js";
import { copyOut } from "../../../../src/guest/steps/copy-out.js";
import { useTemporaryFolder } from "../../host/temporary-folder.js";
import { LocalGuest } from "../local-guest.js";

const at = useTemporaryFolder();

async function guestWithFiles(): Promise<LocalGuest> {
  await mkdir(at("from"));
  await writeFile(at("from", "file"), "text");
  const guest = new LocalGuest(at("bin"));
  await guest.mount({ "/": "ext4" });
  return guest;
}

function copy(guest: LocalGuest) {
  return copyOut(nodeFiles, guest, at("from"), at("copy"), () => undefined);
}

it("leaves out a fifo with all its names, and brings the rest", async () => {
  const guest = await guestWithFiles();
  execFileSync("mkfifo", [at("from", "pipe")]);
  await link(at("from", "pipe"), at("from", "again"));
  const { leftOut } = await copy(guest);
  expect(leftOut.map(({ path }) => path).sort()).toEqual(["again", "pipe"]);
  expect(await readdir(at("copy"))).toEqual(["file"]);
  expect(await readFile(at("copy", "file"), "utf8")).toBe("text");
});

it.each([
  ["is damaged", "head -c 5000 /dev/urandom", /^the archive from the guest is damaged: /],
  [
    "leads out of the folder",
    'exec /bin/tar --transform "s,file,../file," -P "$@"',
    /^the archive from the guest holds ".\/..\/file" which is not a safe path/,
  ],
])("says that the archive from the guest %s, and what to do", async (_how, tar, message) => {
  const guest = await guestWithFiles();
  await guest.fake("tar", tar);
  await expect(copy(guest)).rejects.toMatchObject({
    code: "vm",
    message: expect.stringMatching(message) as string,
    hint: expect.stringMatching(
      /^Copy its subfolders one by one, or save .*kdock exec -- tar -cf - .*from > files.tar/,
    ) as string,
  });
  expect((await readdir(at())).sort()).toEqual(["bin", "from"]);
});
