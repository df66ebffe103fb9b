import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import type * as timers from "node:timers/promises";
import { expect, it, vi } from "vitest";
import { nodeFiles } from "../../../../src/host/node-files.js";
import { copyOut } from "../../../../src/guest/steps/copy-out.js";
import { useTemporaryFolder } from "../../host/temporary-folder.js";
import { LocalGuest } from "../local-guest.js";

/**
 * Three seconds pass in 300 ms. Silence is measured by a clock: no event tells a reader that stalls from one that ends.
 */
vi.mock("node:timers/promises", async (original) => {
  const { setTimeout: sleep } = await original<typeof timers>();
  const faster: typeof sleep = (ms, ...more) => sleep((ms ?? 0) / 10, ...more);
  return { setTimeout: faster };
});

const at = useTemporaryFolder();

/** Real files, and a folder "generated" among them. Who reads a file "slow" stalls, and one "endless" has no end. */
async function stallingGuest(): Promise<LocalGuest> {
  await mkdir(at("from", "generated"), { recursive: true });
  for (const path of ["slow", "quick", "generated/endless", "generated/quick"]) {
    await writeFile(at("from", path), path);
  }
  const guest = new LocalGuest(at("bin"));
  await guest.mount({ "/": "ext4", [at("from", "generated")]: "proc" });
  const reader = `for f do :; done
case $f in *slow) sleep 1 ;; *endless) echo begins; exec sleep 20 ;; esac
exec /bin/cat "\${f#if=}"`;
  await guest.fake("cat", reader);
  await guest.fake("dd", reader);
  return guest;
}

function copy(guest: LocalGuest, path: string) {
  return copyOut(nodeFiles, guest, path, at("copy"), () => undefined);
}

it("waits for a file of a real file system, however long it stalls", async () => {
  const guest = await stallingGuest();
  await guest.mount({ "/": "9p", "/proc": "proc" });
  await copy(guest, at("from", "slow"));
  expect(await readFile(at("copy"), "utf8")).toBe("slow");
});

it("waits for one that is in the same folder as generated files", async () => {
  const guest = await stallingGuest();
  await copy(guest, at("from", "slow"));
  expect(await readFile(at("copy"), "utf8")).toBe("slow");
});

it("waits for real files of a folder that has generated ones below, and only for those", async () => {
  const guest = await stallingGuest();
  const { leftOut } = await copy(guest, at("from"));
  expect(leftOut).toEqual([{ path: "generated/endless", why: "it does not end" }]);
  expect((await readdir(at("copy"))).sort()).toEqual(["generated", "quick", "slow"]);
  expect(await readFile(at("copy", "slow"), "utf8")).toBe("slow");
  expect(await readFile(at("copy", "generated", "quick"), "utf8")).toBe("generated/quick");
});

it("ends a copy of one generated file that does not end", async () => {
  const guest = await stallingGuest();
  await expect(copy(guest, at("from", "generated", "endless"))).rejects.toMatchObject({
    code: "vm",
    message: expect.stringMatching(/endless of the guest does not end: it gave 7 bytes/) as string,
  });
  expect((await readdir(at())).sort()).toEqual(["bin", "from"]);
});

it("ends what reads a silent file whose folder went away", async () => {
  const guest = await stallingGuest();
  await guest.fake(
    "dd",
    `for f do :; done\ncase $f in *endless) rm -r "$(dirname "\${f#if=}")"; exec sleep 20 ;; esac
exec /bin/cat "\${f#if=}"`,
  );
  const { leftOut } = await copy(guest, at("from"));
  expect(leftOut).toContainEqual({ path: "generated/endless", why: "it does not end" });
  expect(await readFile(at("copy", "slow"), "utf8")).toBe("slow");
});
