import { readdir } from "node:fs/promises";
import { expect, it } from "vitest";
import { nodeFiles } from "../../../../src/host/node-files.js";
import { copyOut } from "../../../../src/guest/steps/copy-out.js";
import { useTemporaryFolder } from "../../host/temporary-folder.js";
import { LocalGuest } from "../local-guest.js";

const at = useTemporaryFolder();
/** Files of this machine that have no size until they are read. */
const GENERATED = "/proc/sys/kernel/random";

function copy(guest: LocalGuest, from = GENERATED) {
  return copyOut(nodeFiles, guest, from, at("copy"), () => undefined);
}

it("takes so much of a list, and no more, from a guest whose list does not end", async () => {
  const guest = new LocalGuest(at("bin"));
  await guest.fake("find", "head -c 70000000 /dev/zero");
  await expect(copy(guest)).rejects.toMatchObject({
    code: "vm",
    message: "the guest sent more than 67108864 bytes for the list of the folder's files",
  });
  expect(await readdir(at())).toEqual(["bin"]);
});
