import { randomBytes } from "node:crypto";
import {
  access,
  link,
  mkdir,
  readdir,
  readFile,
  rm,
  stat,
  truncate,
  writeFile,
} from "node:fs/promises";
import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import type { HostFiles } from "../../../../src/host/host.js";
import { nodeFiles } from "../../../../src/host/node-files.js";
import { copyIn } from "../../../../src/guest/steps/copy-in.js";
import { useTemporaryFolder } from "../../host/temporary-folder.js";
import { LocalGuest } from "../local-guest.js";

const at = useTemporaryFolder();
const LARGE = randomBytes(300_000);

async function makeTree(...names: string[]): Promise<void> {
  await mkdir(at("from"));
  for (const name of names) await writeFile(at("from", name), LARGE);
}

/** Has something happen to a file between the look at it and the reading. */
function changing(name: string, change: (path: string) => Promise<void>): HostFiles {
  return {
    ...nodeFiles,
    status: async (path) => {
      const found = await nodeFiles.status(path);
      if (path.endsWith(`/${name}`)) await change(path);
      return found;
    },
  };
}

function copy(files: HostFiles, guest = new LocalGuest(at("bin"))) {
  return copyIn(files, guest, at("from"), at("to"), () => undefined);
}

async function expectLarge(...names: string[]): Promise<void> {
  expect((await readdir(at("to"))).sort()).toEqual(names);
  for (const name of names) expect((await readFile(at("to", name))).equals(LARGE)).toBe(true);
}

it("leaves out a large file that cannot be opened, and brings the rest", async () => {
  await makeTree("a", "gone", "z");
  const { entries, bytes, leftOut } = await copy(changing("gone", (path) => rm(path)));
  expect(leftOut).toEqual([
    { path: "gone", why: `cannot read ${at("from", "gone")}: there is no such file` },
  ]);
  expect({ entries, bytes }).toEqual({ entries: 3, bytes: 600_000 });
  await expectLarge("a", "z");
});

it("leaves out a file that shrinks while it is read, and brings the rest", async () => {
  await makeTree("a", "shrinks", "z");
  const { entries, leftOut } = await copy(changing("shrinks", (path) => truncate(path, 100_000)));
  expect(leftOut).toEqual([{ path: "shrinks", why: "it became shorter while it was read" }]);
  expect(entries).toBe(3);
  await expectLarge("a", "z");
});

it("leaves it out of a folder of the guest that is there, too", async () => {
  await makeTree("a", "shrinks");
  await mkdir(at("to", "from"), { recursive: true });
  await writeFile(at("to", "from", "kept"), "kept");
  await copy(changing("shrinks", (path) => truncate(path, 100_000)));
  expect((await readdir(at("to", "from"))).sort()).toEqual(["a", "kept"]);
});

it("leaves out a file that fails to be read in the middle, and brings the rest", async () => {
  await makeTree("a", "fails", "z");
  const openStream: HostFiles["openStream"] = async (path) => {
    if (!path.endsWith("/fails")) return await nodeFiles.openStream(path);
    const chunks = function* () {
      yield LARGE.subarray(0, 100_000);
      throw new Error("disk error");
    };
    return Readable.from(chunks(), { objectMode: false });
  };
  const { leftOut } = await copy({ ...nodeFiles, openStream });
  expect(leftOut).toEqual([{ path: "fails", why: "disk error" }]);
  await expectLarge("a", "z");
});

it("keeps no more than 64 MiB in memory of a file that is said to be small", async () => {
  await makeTree("a");
  await writeFile(at("from", "grows"), "small");
  const { leftOut } = await copy(changing("grows", (path) => truncate(path, 70_000_000)));
  expect(leftOut).toEqual([
    { path: "grows", why: `cannot read ${at("from", "grows")}: it has more than 67108864 bytes` },
  ]);
  await expectLarge("a");
});

it("reads the next name of a file whose first name could not be copied", async () => {
  await makeTree("shrinks");
  await link(at("from", "shrinks"), at("from", "then"));
  await link(at("from", "shrinks"), at("from", "whole"));
  const files = changing("shrinks", (path) => truncate(path, 100_000));
  const { leftOut } = await copy(files);
  expect(leftOut).toEqual([{ path: "shrinks", why: "it became shorter while it was read" }]);
  expect((await readFile(at("to", "then"))).equals(LARGE.subarray(0, 100_000))).toBe(true);
  expect((await stat(at("to", "whole"))).ino).toBe((await stat(at("to", "then"))).ino);
});

it("leaves out what has become a pipe", async () => {
  await makeTree("a", "pipe");
  const guest = new LocalGuest(at("bin"));
  const files: HostFiles = {
    ...nodeFiles,
    status: async (path) => {
      const found = await nodeFiles.status(path);
      return path.endsWith("/pipe") && found !== undefined ? { ...found, kind: "other" } : found;
    },
  };
  const { leftOut } = await copy(files, guest);
  expect(leftOut).toEqual([{ path: "pipe", why: "it is a device, socket or pipe" }]);
  await expectLarge("a");
});

it("opens files as the guest takes them, one at a time", async () => {
  const names = Array.from({ length: 300 }, (_, index) => `f${1000 + index}`);
  await mkdir(at("from"));
  for (const name of names) await writeFile(at("from", name), Buffer.alloc(60_000));
  const guest = new LocalGuest(at("bin"));
  await guest.fake(
    "tar",
    `: >${at("waits")}\nwhile [ ! -e ${at("go")} ]; do sleep 0.05; done\nexec /bin/tar "$@"`,
  );
  let looks = 0;
  const files: HostFiles = {
    ...nodeFiles,
    status: (path) => {
      looks += 1;
      return nodeFiles.status(path);
    },
  };
  const copying = copy(files, guest);
  await expect
    .poll(() =>
      access(at("waits")).then(
        () => true,
        () => false,
      ),
    )
    .toBe(true);
  // No event tells that no more is opened: on a slower machine fewer are by then, never more.
  await sleep(500);
  expect(looks).toBeLessThan(60);
  await writeFile(at("go"), "");
  expect((await copying).leftOut).toEqual([]);
  expect(await readdir(at("to"))).toHaveLength(300);
});
