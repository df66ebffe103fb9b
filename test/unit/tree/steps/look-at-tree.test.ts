import { writeFileSync } from "node:fs";
import {
  appendFile,
  chmod,
  mkdir,
  readdir,
  rename,
  rm,
  symlink,
  unlink,
  utimes,
  writeFile,
} from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { NUMBERS } from "../../../../src/core/folder-columns.js";
import type { HostFiles } from "../../../../src/host/host.js";
import { nodeFiles } from "../../../../src/host/node-files.js";
import type { TreeContent } from "../../../../src/tree/plan/source-tree.js";
import { filesOf } from "../../../../src/tree/plan/tree-folder.js";
import { indexWith, newestIndex } from "../../../../src/tree/steps/kept-trees.js";
import { work } from "../../../../src/tree/steps/look-at-tree.js";
import { work as recheck } from "../../../../src/tree/steps/recheck-tree.js";
import { treePlace } from "../../../../src/tree/steps/tree-look.js";
import { useTemporaryFolder } from "../../host/temporary-folder.js";

const at = useTemporaryFolder();
const tree = (path = "") => at(`linux/${path}`);
const state = (name = "") => at(`project/.kdock/trees/${name}`);

interface Look {
  readonly content: TreeContent;
  /** How many files were read. */
  readonly read: number;
}

async function look(project = at("project"), files: HostFiles = nodeFiles): Promise<Look> {
  let [content, read]: [TreeContent | undefined, number] = [undefined, 0];
  const request = { folder: tree(), place: treePlace(project, tree()) };
  for await (const note of work(files, request)) {
    if (note.kind === "owed") read = note.files;
    else content = note.content;
  }
  if (content === undefined) throw new Error("nothing was found");
  return { content, read };
}

/** By somebody who knows nothing of the tree. */
async function afresh(): Promise<TreeContent> {
  const { content } = await look(at("another"));
  await rm(at("another"), { recursive: true });
  return content;
}

/** Files are known by their times once these are old enough. */
const settle = () => sleep(150);

beforeEach(async () => {
  await mkdir(tree("net/ipv4"), { recursive: true });
  await mkdir(tree("init"));
  await writeFile(tree("Makefile"), "VERSION = 6\n");
  await writeFile(tree("init/main.c"), "int main;\n");
  await writeFile(tree("net/Kconfig"), "config NET\n");
  await writeFile(tree("net/ipv4/tcp.c"), "int tcp;\n");
  await symlink("ipv4/tcp.c", tree("net/link"));
  await settle();
});

it("reads files once, and no more than those that changed", async () => {
  const first = await look();
  expect(first.read).toBe(5);
  expect(first.content).toMatchObject({ leftovers: [], isReadable: true, last: undefined });
  expect((await look()).read).toBe(0);
  await appendFile(tree("net/ipv4/tcp.c"), "int more;\n");
  const { content, read } = await look();
  expect(read).toBe(1);
  expect(content.digest).not.toBe(first.content.digest);
  expect(content.kconfig).toBe(first.content.kconfig);
  expect(content.last?.digest).toBe(first.content.digest);
  expect(content.last?.changed.map(({ path }) => path)).toEqual(["net/ipv4/tcp.c"]);
});

it("looks again at what was written in the same moment", async () => {
  const now = vi.spyOn(Date, "now").mockReturnValue(Date.now());
  onTestFinished(() => {
    now.mockRestore();
  });
  await writeFile(tree("init/main.c"), "int one;\n");
  await look();
  expect((await look()).read).toBe(1);
});

/** Each leaves a tree that must be seen as somebody sees it who comes anew. */
const EDITS: Record<string, () => Promise<unknown>> = {
  "the same size, with the old time": async () => {
    await writeFile(tree("init/main.c"), "int nine;\n");
    await utimes(tree("init/main.c"), 1, 1);
  },
  "a new file": () => writeFile(tree("net/new.c"), ""),
  "a new folder with a file": async () => {
    await mkdir(tree("fs"));
    await writeFile(tree("fs/new.c"), "");
  },
  "a file in a folder that had none": async () => {
    await mkdir(tree("drivers/block"), { recursive: true });
    await look();
    await settle();
    await look();
    await writeFile(tree("drivers/block/new.c"), "");
  },
  "a file that is gone": () => unlink(tree("net/Kconfig")),
  "a folder that is gone": () => rm(tree("net/ipv4"), { recursive: true }),
  "a file that has another name": () => rename(tree("init/main.c"), tree("init/begin.c")),
  "a folder that has another name": () => rename(tree("net"), tree("network")),
  "a file that may be run": () => chmod(tree("init/main.c"), 0o755),
  "another link": async () => {
    await unlink(tree("net/link"));
    await symlink("elsewhere", tree("net/link"));
  },
  "a folder in the place of a file": async () => {
    await unlink(tree("init/main.c"));
    await mkdir(tree("init/main.c"));
    await writeFile(tree("init/main.c/main.c"), "int main;\n");
  },
  "a file in the place of a folder": async () => {
    await rm(tree("net/ipv4"), { recursive: true });
    await writeFile(tree("net/ipv4"), "int tcp;\n");
  },
  "what is no part of a kernel": async () => {
    await mkdir(tree(".git"));
    await writeFile(tree(".git/index"), "");
    await writeFile(tree("tags"), "");
  },
};

it.each(Object.keys(EDITS))("sees %s", async (name) => {
  const { content: before } = await look();
  await EDITS[name]?.();
  const { content } = await look();
  const seen = { ...content, last: undefined };
  const anew = { ...(await afresh()), last: undefined };
  expect(seen).toEqual(anew);
  expect(seen.digest === before.digest).toBe(name === "what is no part of a kernel");
  await settle();
  expect((await look()).content.digest).toBe(content.digest);
});

it("keeps what it knew as long as a note names it", async () => {
  const { content: first } = await look();
  await writeFile(state("volume.built"), `123 ${first.digest}\n`);
  const digests = [first.digest];
  for (const text of ["one", "two"]) {
    await writeFile(tree("init/main.c"), text);
    digests.push((await look()).content.digest);
  }
  const place = treePlace(at("project"), tree());
  const kept = await Promise.all(digests.map((digest) => indexWith(nodeFiles, place, digest)));
  expect(kept.map((index) => index?.digest)).toEqual([digests[0], undefined, digests[2]]);
  expect(filesOf(kept[0]?.folders ?? []).map(({ path }) => path)).toContain("net/ipv4/tcp.c");
  await writeFile(state("volume.built"), `124 ${digests[2] ?? ""}\n`);
  await writeFile(tree("init/main.c"), "three");
  await look();
  expect(await indexWith(nodeFiles, place, first.digest)).toBeUndefined();
  expect((await readdir(state())).filter((name) => name.endsWith(".packed"))).toHaveLength(2);
});

it("says which file cannot be read", async () => {
  await rm(tree(), { recursive: true });
  await expect(look()).rejects.toMatchObject({
    code: "config",
    message: expect.stringContaining("linux") as string,
  });
});

it("tells what a build has left, and what not everybody may read", async () => {
  await mkdir(tree("include/generated"), { recursive: true });
  await writeFile(tree("include/generated/autoconf.h"), "");
  await writeFile(tree(".config"), "");
  await chmod(tree("init/main.c"), 0o600);
  expect((await look()).content).toMatchObject({
    leftovers: [".config", "include/generated"],
    isReadable: false,
  });
});

it("finds what was known while another command keeps what it has seen", async () => {
  const { content } = await look();
  await writeFile(state("objects.built"), `1 ${content.digest}\n`);
  await settle();
  await look();
  await appendFile(tree("init/main.c"), "int second;\n");
  const place = treePlace(at("project"), tree());
  const found: (string | undefined)[] = [];
  const files = {
    ...nodeFiles,
    async writeAtomic(path: string, bytes: string | Uint8Array) {
      found.push((await newestIndex(nodeFiles, place))?.digest);
      await nodeFiles.writeAtomic(path, bytes);
    },
  };
  const notes = work(files, { folder: tree(), place });
  while ((await notes.next()).done !== true);
  expect(found).toEqual([content.digest, content.digest]);
  expect(await indexWith(nodeFiles, place, content.digest)).toBeDefined();
});

describe("a tree that is looked at once more after a build", () => {
  /** The paths that changed since it was looked at, through the same files. */
  async function changedSince({ content }: Look, files = nodeFiles): Promise<string[]> {
    const request = { folder: tree(), place: treePlace(at("project"), tree()) };
    for await (const changed of recheck(files, { ...request, digest: content.digest })) {
      return changed;
    }
    throw new Error("nothing was found");
  }

  /** As a file server gives them whose clock is another one. */
  function withClock(aheadMs: number): HostFiles {
    const change = NUMBERS - 1;
    return {
      ...nodeFiles,
      scan: (...args) =>
        nodeFiles.scan(...args).map((folder) => ({
          ...folder,
          numbers: folder.numbers.map((number, at) =>
            at % NUMBERS === change ? number + aheadMs : number,
          ),
        })),
    };
  }

  it.each([0, 3_600_000, -3_600_000])(
    "has changed where it did, by a clock that is %d ms ahead",
    async (aheadMs) => {
      const files = withClock(aheadMs);
      await writeFile(tree("init/main.c"), "int one;\n");
      const first = await look(at("project"), files);
      expect(await changedSince(first, files)).toEqual([]);
      await settle();
      await writeFile(tree("init/main.c"), "int two;\n");
      expect(await changedSince(first, files)).toEqual(["init/main.c"]);
    },
  );

  it("has not changed where a file was saved before it was scanned", async () => {
    const files: HostFiles = {
      ...nodeFiles,
      scan: (...args) => {
        // Clearly after the look has begun: a kernel's clock for files has ticks of some milliseconds.
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 30);
        writeFileSync(tree("init/main.c"), "int saved;\n");
        return nodeFiles.scan(...args);
      },
    };
    const first = await look(at("project"), files);
    expect(await changedSince(first)).toEqual([]);
    await settle();
    await writeFile(tree("init/main.c"), "int again;\n");
    expect(await changedSince(first)).toEqual(["init/main.c"]);
  });
});
