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
import { indexWith, newestIndex } from "../../../../src/tree/steps/tree-indexes.js";
import { work } from "../../../../src/tree/steps/scan-worker.js";
import { work as recheck } from "../../../../src/tree/steps/recheck-worker.js";
import { treePlace } from "../../../../src/tree/steps/tree-paths.js";
import { useTemporaryFolder } from "../../host/temporary-folder.js";

const at = useTemporaryFolder();
const tree = (path = "") => at(`linux/${path}`);
const state = (name = "") => at(`project/.kdock/trees/${name}`);

interface Scan {
  readonly content: TreeContent;
  /** How many files were read. */
  readonly read: number;
}

async function scan(project = at("project"), files: HostFiles = nodeFiles): Promise<Scan> {
  let [content, read]: [TreeContent | undefined, number] = [undefined, 0];
  const request = { folder: tree(), place: treePlace(project, tree()) };
  for await (const message of work(files, request)) {
    if (message.kind === "reading") read = message.files;
    else content = message.content;
  }
  if (content === undefined) throw new Error("nothing was found");
  return { content, read };
}

/** By a project without an index of the tree. */
async function firstScan(): Promise<TreeContent> {
  const { content } = await scan(at("another"));
  await rm(at("another"), { recursive: true });
  return content;
}

/** Longer than the mtime granularity: no entry is racy afterwards. */
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

describe("scan of a tree", () => {
  it("reads each file once, and then only those that changed", async () => {
    const first = await scan();
    expect(first.read).toBe(5);
    expect(first.content).toMatchObject({ leftovers: [], isReadable: true, last: undefined });
    expect((await scan()).read).toBe(0);
    await appendFile(tree("net/ipv4/tcp.c"), "int more;\n");
    const { content, read } = await scan();
    expect(read).toBe(1);
    expect(content.digest).not.toBe(first.content.digest);
    expect(content.kconfig).toBe(first.content.kconfig);
    expect(content.last?.digest).toBe(first.content.digest);
    expect(content.last?.changed.map(({ path }) => path)).toEqual(["net/ipv4/tcp.c"]);
  });

  it("reads racy entries again", async () => {
    const now = vi.spyOn(Date, "now").mockReturnValue(Date.now());
    onTestFinished(() => {
      now.mockRestore();
    });
    await writeFile(tree("init/main.c"), "int one;\n");
    await scan();
    expect((await scan()).read).toBe(1);
  });

  /** After each edit an incremental scan must find the same as a first one. */
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
      await scan();
      await settle();
      await scan();
      await writeFile(tree("drivers/block/new.c"), "");
    },
    "a removed file": () => unlink(tree("net/Kconfig")),
    "a removed folder": () => rm(tree("net/ipv4"), { recursive: true }),
    "a renamed file": () => rename(tree("init/main.c"), tree("init/begin.c")),
    "a renamed folder": () => rename(tree("net"), tree("network")),
    "a file that became executable": () => chmod(tree("init/main.c"), 0o755),
    "a link with another target": async () => {
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
    "files that are not part of a kernel": async () => {
      await mkdir(tree(".git"));
      await writeFile(tree(".git/index"), "");
      await writeFile(tree("tags"), "");
    },
  };

  it.each(Object.keys(EDITS))("handles %s", async (name) => {
    const { content: before } = await scan();
    await EDITS[name]?.();
    const { content } = await scan();
    expect({ ...content, last: undefined }).toEqual({ ...(await firstScan()), last: undefined });
    expect(content.digest === before.digest).toBe(name === "files that are not part of a kernel");
    await settle();
    expect((await scan()).content.digest).toBe(content.digest);
  });

  it("keeps an older index while a build record refers to it", async () => {
    const { content: first } = await scan();
    await writeFile(state("volume.built"), `123 ${first.digest}\n`);
    const digests = [first.digest];
    for (const text of ["one", "two"]) {
      await writeFile(tree("init/main.c"), text);
      digests.push((await scan()).content.digest);
    }
    const place = treePlace(at("project"), tree());
    const kept = await Promise.all(digests.map((digest) => indexWith(nodeFiles, place, digest)));
    expect(kept.map((index) => index?.digest)).toEqual([digests[0], undefined, digests[2]]);
    expect(filesOf(kept[0]?.folders ?? []).map(({ path }) => path)).toContain("net/ipv4/tcp.c");
    await writeFile(state("volume.built"), `124 ${digests[2] ?? ""}\n`);
    await writeFile(tree("init/main.c"), "three");
    await scan();
    expect(await indexWith(nodeFiles, place, first.digest)).toBeUndefined();
    expect((await readdir(state())).filter((name) => name.endsWith(".packed"))).toHaveLength(2);
  });

  it("reports the path that cannot be read", async () => {
    await rm(tree(), { recursive: true });
    await expect(scan()).rejects.toMatchObject({
      code: "config",
      message: expect.stringContaining("linux") as string,
    });
  });

  it("finds leftovers of a build, and files that others may not read", async () => {
    await mkdir(tree("include/generated"), { recursive: true });
    await writeFile(tree("include/generated/autoconf.h"), "");
    await writeFile(tree(".config"), "");
    await chmod(tree("init/main.c"), 0o600);
    expect((await scan()).content).toMatchObject({
      leftovers: [".config", "include/generated"],
      isReadable: false,
    });
  });

  it("leaves the latest index readable while it saves another one", async () => {
    const { content } = await scan();
    await writeFile(state("objects.built"), `1 ${content.digest}\n`);
    await settle();
    await scan();
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
    const messages = work(files, { folder: tree(), place });
    while ((await messages.next()).done !== true);
    expect(found).toEqual([content.digest, content.digest]);
    expect(await indexWith(nodeFiles, place, content.digest)).toBeDefined();
  });
});

describe("recheck of a tree", () => {
  /** The paths that changed since a scan. */
  async function changedSince({ content }: Scan, files = nodeFiles): Promise<string[]> {
    const request = { folder: tree(), place: treePlace(at("project"), tree()) };
    for await (const changed of recheck(files, { ...request, digest: content.digest })) {
      return changed;
    }
    throw new Error("nothing was found");
  }

  /** Files of a server with another clock. */
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
    "finds a changed file if the server's clock is %d ms ahead",
    async (aheadMs) => {
      const files = withClock(aheadMs);
      await writeFile(tree("init/main.c"), "int one;\n");
      const first = await scan(at("project"), files);
      expect(await changedSince(first, files)).toEqual([]);
      await settle();
      await writeFile(tree("init/main.c"), "int two;\n");
      expect(await changedSince(first, files)).toEqual(["init/main.c"]);
    },
  );

  it("ignores a file that was written before the scan reached it", async () => {
    const files: HostFiles = {
      ...nodeFiles,
      scan: (...args) => {
        // Clearly after the scan has begun: mtimes have a granularity of some milliseconds.
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 30);
        writeFileSync(tree("init/main.c"), "int saved;\n");
        return nodeFiles.scan(...args);
      },
    };
    const first = await scan(at("project"), files);
    expect(await changedSince(first)).toEqual([]);
    await settle();
    await writeFile(tree("init/main.c"), "int again;\n");
    expect(await changedSince(first)).toEqual(["init/main.c"]);
  });
});
