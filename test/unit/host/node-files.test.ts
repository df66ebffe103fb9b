import { randomBytes } from "node:crypto";
import {
  chmod,
  link,
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { createServer } from "node:net";
import { umask } from "node:process";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { stateProblem } from "../../../src/config/ownership.js";
import { writeError } from "../../../src/host/file-error.js";
import { nodeFiles as files } from "../../../src/host/node-files.js";
import { freeBytes } from "../../../src/host/read-files.js";
import { useTemporaryFolder } from "./temporary-folder.js";

const at = useTemporaryFolder();

describe("reading", () => {
  it("distinguishes a missing file from an unreadable one", async () => {
    await writeFile(at("file"), "text");
    expect(await files.readText(at("file"))).toBe("text");
    expect(await files.readText(at("none"))).toBeUndefined();
    expect(await files.readText(at("file", "below"))).toBeUndefined();
    await expect(files.readText(at())).rejects.toMatchObject({
      code: "config",
      message: `cannot read ${at()}: it is a folder`,
    });
    await expect(files.readBytes(at("none"))).rejects.toMatchObject({
      code: "config",
      message: `cannot read ${at("none")}: there is no such file`,
    });
  });

  it("rejects text that is not UTF-8", async () => {
    await writeFile(at("file"), Buffer.from([0x66, 0xfc, 0x72]));
    await expect(files.readText(at("file"))).rejects.toThrow("is not UTF-8 text");
  });

  it("reports whether a path exists", async () => {
    await symlink("nowhere", at("dangling"));
    expect(await files.exists(at())).toBe(true);
    expect(await files.exists(at("none"))).toBe(false);
    expect(await files.exists(at("dangling"))).toBe(false);
  });

  it("lists a tree in code-unit order, without following links", async () => {
    await mkdir(at("b", "c"), { recursive: true });
    await writeFile(at("b", "run"), "#!", { mode: 0o755 });
    await writeFile(at("B"), "");
    await symlink("b", at("a"));
    await chmod(at("b"), 0o750);
    expect(await files.tree(at())).toEqual([
      { path: "B", kind: "file", mode: 0o644, target: "", sizeBytes: 0 },
      { path: "a", kind: "symlink", mode: 0o777, target: "b", sizeBytes: 0 },
      { path: "b", kind: "directory", mode: 0o750, target: "", sizeBytes: 0 },
      { path: "b/c", kind: "directory", mode: 0o755, target: "", sizeBytes: 0 },
      { path: "b/run", kind: "file", mode: 0o755, target: "", sizeBytes: 2 },
    ]);
    expect(await files.list(at())).toEqual(["B", "a", "b"]);
  });

  it("rejects a tree with a socket", async () => {
    const server = createServer().listen(at("socket"));
    await new Promise((resolve) => server.once("listening", resolve));
    await expect(files.tree(at())).rejects.toMatchObject({
      code: "config",
      message: expect.stringContaining(at("socket")) as string,
    });
    server.close();
  });

  it("rejects a tree with a name that is not UTF-8", async () => {
    await writeFile(Buffer.concat([Buffer.from(at("x")), Buffer.of(0xff)]), "");
    await expect(files.tree(at())).rejects.toThrow("the name is not UTF-8");
  });

  it("lists nodes of every kind, with any bytes in names", async () => {
    const server = createServer().listen(at("socket"));
    await new Promise((resolve) => server.once("listening", resolve));
    await mkdir(at("d"), { mode: 0o700 });
    await writeFile(at("d", "first"), "text", { mode: 0o400 });
    await link(at("d", "first"), at("second"));
    await writeFile(Buffer.concat([Buffer.from(at("caf")), Buffer.of(0xe9)]), "latin1");
    await symlink(Buffer.of(0xe9), at("to"));
    const found = await files.nodes(at());
    server.close();
    const named = new Map(found.map((node) => [node.path, node]));
    expect([...named.keys()].sort()).toEqual(
      ["caf\udce9", "d", "d/first", "second", "socket", "to"].sort(),
    );
    expect(named.get("d")).toMatchObject({ kind: "directory", mode: 0o700 });
    expect(named.get("d/first")).toMatchObject({ kind: "file", mode: 0o400, sizeBytes: 4 });
    expect(named.get("d/first")?.link).toBeDefined();
    expect(named.get("d/first")?.link).toBe(named.get("second")?.link);
    expect(named.get("caf\udce9")?.link).toBeUndefined();
    expect(await text(named.get("caf\udce9")?.open() ?? Readable.from([]))).toBe("latin1");
    expect(named.get("to")).toMatchObject({ kind: "symlink", target: "\udce9" });
    expect(named.get("socket")).toMatchObject({ kind: "socket" });
  });

  it("returns the numbers of a device", async () => {
    const devices = await files.nodes("/dev/pts");
    expect(devices.find(({ path }) => path === "ptmx")).toMatchObject({
      ...{ kind: "character-device", major: 5, minor: 2 },
    });
  });

  it("returns the free space of existing paths only", async () => {
    expect(await freeBytes(at())).toBeGreaterThan(0);
    expect(await freeBytes(at("none"))).toBeUndefined();
  });
});

describe("writing", () => {
  it("writes a file atomically, with parent folders, and leaves no other file", async () => {
    await files.writeAtomic(at("a", "b", "file"), "one");
    await files.writeAtomic(at("a", "b", "file"), Buffer.from("two"));
    expect(await readFile(at("a", "b", "file"), "utf8")).toBe("two");
    expect(await readdir(at("a", "b"))).toEqual(["file"]);
  });

  it("leaves no file if writing fails", async () => {
    await mkdir(at("folder", "full"), { recursive: true });
    await expect(files.writeAtomic(at("folder"), "")).rejects.toMatchObject({
      code: "environment",
      message: `cannot write ${at("folder")}: it is a folder`,
    });
    expect(await readdir(at())).toEqual(["folder"]);
  });

  it("streams a file with the given permissions, independent of the umask", async () => {
    const content = [Buffer.alloc(3_000_000, "a"), Buffer.from("b"), Buffer.alloc(70_000, "c")];
    await pipeline(Readable.from(content), await files.writeStream(at("new", "run"), 0o777));
    expect((await stat(at("new", "run"))).mode & 0o7777).toBe(0o777);
    expect((await readFile(at("new", "run"))).equals(Buffer.concat(content))).toBe(true);
  });

  it("sets the given time of a streamed file", async () => {
    const time = new Date("2020-02-02T00:00:00Z");
    await pipeline(Readable.from(["a"]), await files.writeStream(at("old"), 0o444, time));
    expect((await stat(at("old"))).mtime).toEqual(time);
  });

  it("does not overwrite an existing file with a stream", async () => {
    await writeFile(at("file"), "");
    await expect(files.writeStream(at("file"), 0o644)).rejects.toThrow("it exists already");
  });

  it("appends to logs", async () => {
    for (const line of ["one", "two"]) {
      await using log = files.openLog(at("logs", "kernel.log"));
      log.write(line);
    }
    expect(await readFile(at("logs", "kernel.log"), "utf8")).toBe("one\ntwo\n");
  });

  it("ignores errors of a log", async () => {
    await using log = files.openLog(at());
    log.write("line");
  });

  it("does not follow a link to a log", async () => {
    await writeFile(at("other"), "as it was");
    await symlink(at("other"), at("kernel.log"));
    {
      await using log = files.openLog(at("kernel.log"));
      log.write("line");
    }
    expect(await readFile(at("other"), "utf8")).toBe("as it was");
  });

  it("replaces a folder by another one", async () => {
    const fresh = await files.makeTemporary(at("out", "kernel"));
    expect(fresh.startsWith(at("out", "kernel.tmp-"))).toBe(true);
    await writeFile(`${fresh}/new`, "");
    await files.makeFolder(at("out", "kernel", "deep"));
    await files.replace(fresh, at("out", "kernel"));
    expect(await readdir(at("out", "kernel"))).toEqual(["new"]);
    expect(await readdir(at("out"))).toEqual(["kernel"]);
  });

  it("keeps the target if the source does not exist", async () => {
    await files.makeFolder(at("kernel", "deep"));
    await expect(files.replace(at("none"), at("kernel"))).rejects.toThrow("no such file");
    expect(await readdir(at())).toEqual(["kernel"]);
  });

  it("replaces a link", async () => {
    await files.pointLink(at("current"), "one");
    await files.pointLink(at("current"), "two");
    expect(await readlink(at("current"))).toBe("two");
    expect(await readdir(at())).toEqual(["current"]);
  });

  it("removes files, links and folders, and ignores missing ones", async () => {
    await files.makeFolder(at("a", "b"));
    await symlink("a", at("link"));
    await files.remove(at("link"));
    expect((await lstat(at("a"))).isDirectory()).toBe(true);
    await files.remove(at("a"));
    await files.remove(at("a"));
    expect(await readdir(at())).toEqual([]);
  });

  it.each([
    ["ENOSPC", "no space left on the disk that holds /x"],
    ["EDQUOT", "no space left on the disk that holds /x"],
    ["EROFS", "cannot write /x: the file system is read-only"],
    ["EACCES", "cannot write /x: permission denied"],
  ])("describes %s", (code, message) => {
    expect(writeError("/x", Object.assign(new Error("x"), { code }))).toMatchObject({
      code: "environment",
      message,
    });
  });
});

describe("a project's state folder", () => {
  let before = 0;
  beforeEach(() => (before = umask(0o002)));
  afterEach(() => umask(before));

  const modeOf = async (path: string) => ((await stat(at(path))).mode & 0o7777).toString(8);
  const WAYS: Record<string, () => Promise<unknown>> = {
    "a lock": async () => {
      await using _lock = await files.lock(at("lab/.kdock/lock"), "nothing");
      expect(await modeOf("lab/.kdock/lock")).toBe("644");
    },
    "a log": async () => {
      await using _log = files.openLog(at("lab/.kdock/logs/kernel.log"));
    },
    "a file": () => files.writeAtomic(at("lab/.kdock/trees/last"), ""),
    "a folder": () => files.makeFolder(at("lab/.kdock/out/kernel/0123")),
    "a temporary folder": () => files.makeTemporary(at("lab/.kdock/out/kernel/0123")),
    "a link": () => files.pointLink(at("lab/.kdock/out/current"), "sets/0123"),
    "a stream": async () => {
      await pipeline(
        Readable.from(["a"]),
        files.writeLate(at("lab/.kdock/dumps/a"), { replace: false }),
      );
    },
  };

  it.each(Object.keys(WAYS))(
    "is one that others may not write to when %s makes it",
    async (way) => {
      await mkdir(at("lab"));
      // As in a checkout shared by a group: new folders get its group.
      await chmod(at("lab"), 0o2775);
      await WAYS[way]?.();
      const state = await files.status(at("lab/.kdock"));
      expect(state?.mode.toString(8)).toBe("2755");
      const asGroup = state && { ...state, gid: state.uid + 1 };
      expect(stateProblem(".kdock", asGroup, { uid: 0, sudoUid: undefined })).toBeUndefined();
      for (const { path, kind, mode } of await files.tree(at("lab/.kdock"))) {
        if (kind !== "symlink") expect([path, (mode & 0o022).toString(8)]).toEqual([path, "0"]);
      }
    },
  );

  it("is private with such a umask", async () => {
    umask(0o077);
    await files.writeAtomic(at("lab/.kdock/trees/last"), "");
    expect(await modeOf("lab/.kdock/trees")).toBe("700");
    expect(await modeOf("lab/.kdock/trees/last")).toBe("600");
  });

  it("is the only folder with this rule: elsewhere the umask decides", async () => {
    await files.writeAtomic(at("lab/reports/matrix.xml"), "");
    expect(await modeOf("lab/reports")).toBe("775");
    expect(await modeOf("lab/reports/matrix.xml")).toBe("664");
  });

  it("keeps its mode", async () => {
    await mkdir(at("lab/.kdock"), { recursive: true });
    await files.writeAtomic(at("lab/.kdock/trees/last"), "");
    expect(await modeOf("lab/.kdock")).toBe("775");
  });
});

describe("merging", () => {
  const into = async (...paths: string[]) => {
    for (const path of paths) {
      await mkdir(at(path, ".."), { recursive: true });
      await writeFile(at(path), path);
    }
  };

  it("merges two folders", async () => {
    await into("new/d/a", "new/d/b", "new/e/f", "old/d/b", "old/d/c");
    await files.mergeInto(at("new"), at("old"));
    const tree = (await files.tree(at("old"))).map(({ path }) => path);
    expect(tree).toEqual(["d", "d/a", "d/b", "d/c", "e", "e/f"]);
    expect(await readFile(at("old/d/b"), "utf8")).toBe("new/d/b");
  });

  it("follows no link in place of a folder", async () => {
    await into("new/d/passwd", "outside/x", "old/y");
    await symlink(at("outside"), at("old", "d"));
    await expect(files.mergeInto(at("new"), at("old"))).rejects.toMatchObject({
      code: "environment",
      message: `${at("old", "d")} exists and is not a folder`,
    });
    expect(await readdir(at("outside"))).toEqual(["x"]);
  });

  it("returns the status of a link itself", async () => {
    await into("f");
    await symlink("f", at("l"));
    expect(await files.status(at("l"))).toMatchObject({ kind: "symlink", target: "f" });
    expect(await files.status(at("f"))).toMatchObject({ kind: "file", sizeBytes: 1 });
    expect(await files.status(at("none"))).toBeUndefined();
  });

  it("names the unreadable file in the stream's error", async () => {
    await expect(text(files.readStream(at("none")))).rejects.toMatchObject({
      message: `cannot read ${at("none")}: there is no such file`,
    });
  });

  it.each([0, 5, 16_384, 16_385, 100_000])(
    "reads a file of %i bytes that may have as many",
    async (size) => {
      const bytes = randomBytes(size);
      await writeFile(at("file"), bytes);
      expect(bytes.equals(await files.readBytes(at("file"), size))).toBe(true);
      await writeFile(at("file"), "x", { flag: "a" });
      await expect(files.readBytes(at("file"), size)).rejects.toMatchObject({
        ...{ code: "config", message: `cannot read ${at("file")}: it has more than ${size} bytes` },
      });
    },
  );

  it("reads a file without a known size, up to a limit", async () => {
    const limits = await files.readBytes("/proc/self/limits", 100_000);
    expect(Buffer.from(limits).toString()).toMatch(/^Limit.*Max realtime timeout/s);
  });

  it("opens a file that is read later", async () => {
    await writeFile(at("file"), "text");
    const stream = await files.openStream(at("file"));
    await rm(at("file"));
    expect(await text(stream)).toBe("text");
    await expect(files.openStream(at("file"))).rejects.toMatchObject({
      ...{ code: "config", message: `cannot read ${at("file")}: there is no such file` },
    });
  });

  it("passes an earlier error to the reader of an open stream, without an unhandled error", async () => {
    const stream = await files.openStream(at());
    await new Promise((resolve) => stream.once("close", resolve));
    await expect(text(stream)).rejects.toMatchObject({
      message: `cannot read ${at()}: it is a folder`,
    });
  });

  it("closes an open stream that is not read", async () => {
    await writeFile(at("file"), Buffer.alloc(2_000_000));
    const isOpen = async () => {
      const names = await readdir("/proc/self/fd");
      const paths = names.map((name) => readlink(`/proc/self/fd/${name}`).catch(() => ""));
      return (await Promise.all(paths)).includes(at("file"));
    };
    const stream = await files.openStream(at("file"));
    expect(await isOpen()).toBe(true);
    stream.destroy();
    await expect.poll(isOpen).toBe(false);
  });
});
