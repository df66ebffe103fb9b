import { connect, createServer, type Server } from "node:net";
import {
  chmod,
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rm,
  stat,
  utimes,
  writeFile,
} from "node:fs/promises";
import { Transform } from "node:stream";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { projectNames } from "../../src/core/plan/names.js";
import { docker, kdock, removeVolumes, ROOT, run } from "../support/kdock.js";
import { makeToyTree, TOY_CONFIG } from "../support/toy-tree.js";

let folder: string;
let tree: string;

beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "kdock-trees-")));
  tree = join(folder, "linux");
  await makeToyTree(tree);
  await writeFile(join(folder, "toy.config"), TOY_CONFIG);
  // Versions are locked already: no test needs a mirror.
  await copyFile(join(ROOT, "kdock.lock"), join(folder, "kdock.lock"));
  await configure("");
});
afterEach(async () => {
  const { id } = projectNames(folder);
  expect(await docker("ps", "-aq", "--filter", `label=io.kdock.project=${id}`)).toBe("");
  await removeVolumes(folder);
  await rm(folder, { recursive: true });
});

async function configure(more: string, source = "path:./linux") {
  await writeFile(
    join(folder, "kdock.yaml"),
    `kernel:\n  source: "${source}"\n  preset: file:toy.config\n${more}`,
  );
}

function build(env: Record<string, string> = {}, ...flags: string[]) {
  return kdock(["build", "kernel", ...flags], { cwd: folder, env });
}

/** Resets `compiled` before a build. */
async function forgetLog() {
  await rm(join(folder, ".kdock/logs/kernel.log"), { force: true });
}

async function built(env: Record<string, string> = {}) {
  await forgetLog();
  const outcome = await build(env);
  expect(outcome.stderr).not.toMatch(/error/);
  expect(outcome.exitCode).toBe(0);
  return outcome.stderr;
}

/** What was compiled in the last build. */
async function compiled(): Promise<string[]> {
  const log = await readFile(join(folder, ".kdock/logs/kernel.log"), "utf8");
  return [...log.matchAll(/ {2}CC {6}(\S+)/g)].map(([, name]) => name ?? "");
}

/** Checks that the latest kernel's vmlinux contains this text. */
async function holds(text: string): Promise<boolean> {
  const out = join(folder, ".kdock/out/kernel");
  const keys = await readdir(out);
  const times = await Promise.all(keys.map(async (key) => (await stat(join(out, key))).mtimeMs));
  const newest = keys[times.indexOf(Math.max(...times))] ?? "";
  return (await readFile(join(out, newest, "vmlinux"))).includes(text);
}

/** The state of a folder: names, sizes, modes, times. */
function listing(of: string): Promise<string> {
  return run("find", of, "-printf", "%p %y %m %s %T@ %C@\n");
}

describe("a local tree", () => {
  it("is built read-only and incrementally, and is up to date without changes", async () => {
    const before = await listing(tree);
    await built();
    expect((await compiled()).sort()).toEqual(["init/main.o", "net/one.o", "net/two.o"]);
    expect(await listing(tree)).toBe(before);
    expect(await built()).toMatch(/up to date/);

    await writeFile(join(tree, "net/one.c"), "int one(void)\n{\n\treturn 11;\n}\n");
    await built();
    expect(await compiled()).toEqual(["net/one.o"]);

    // Headers count; another name of the same tree uses the same objects.
    await writeFile(join(tree, "net/net.h"), '#define WORD "second"\n');
    await forgetLog();
    const { exitCode } = await build({}, "--kernel", "./linux");
    expect(exitCode).toBe(0);
    expect(await compiled()).toEqual(["net/two.o"]);
    expect(await holds("second")).toBe(true);
  });

  it("receives output through a socket, or through the engine if there can be no socket", async () => {
    const archives = async () => {
      const seconds = () => Math.floor(Date.now() / 1000);
      const since = seconds();
      await built();
      const between = ["--since", String(since), "--until", String(seconds() + 1)];
      const what = ["--filter", "event=archive-path", "--format", "{{json .}}"];
      const events = await docker("events", ...between, ...what);
      return events.split("\n").filter((line) => line.includes(projectNames(folder).id)).length;
    };
    expect(await archives()).toBe(0);
    expect(await holds("first")).toBe(true);

    const outer = folder;
    folder = join(outer, "a-name-that-is-too-long-for-a-socket".repeat(3));
    await mkdir(folder);
    await copyFile(join(outer, "toy.config"), join(folder, "toy.config"));
    await copyFile(join(outer, "kdock.lock"), join(folder, "kdock.lock"));
    await configure("", `path:${tree}`);
    try {
      expect(await archives()).toBe(1);
      expect(await holds("first")).toBe(true);
    } finally {
      await removeVolumes(folder);
      folder = outer;
    }
  });

  it.each([
    ["as it was linked", "", "first"],
    ["as make has changed it since", " && echo afterwards >> $(O)/vmlinux", "afterwards"],
  ])("receives vmlinux while make runs, and at the end %s", async (_how, more, text) => {
    // As kbuild records a built target.
    const linked = `touch $(O)/.vmlinux.cmd; while [ ! -e .kdock-go ]; do sleep 0.1; done${more}`;
    const makefile = await readFile(join(tree, "Makefile"), "utf8");
    await writeFile(
      join(tree, "Makefile"),
      makefile.replace("\t@mkdir -p $(O)/arch/x86/boot\n", `$&\t@${linked}\n`),
    );
    const building = build();
    const early = async () => {
      const names = await readdir(join(folder, ".kdock/out/kernel"), { recursive: true });
      return names.filter((name) => name.endsWith("/.early/vmlinux")).length;
    };
    await expect.poll(() => early().catch(() => 0), { timeout: 120_000 }).toBe(1);
    // kdock ignores this file of the tree.
    await writeFile(join(tree, ".kdock-go"), "");
    const { exitCode, stderr } = await building;
    expect(stderr).not.toMatch(/error/);
    expect(exitCode).toBe(0);
    expect(await holds("first")).toBe(true);
    expect(await holds(text)).toBe(true);
    expect(await early()).toBe(0);
  });

  it("is not built from stale objects if a file changes with an old mtime", async () => {
    await built();
    const old = new Date("2020-01-01T00:00:00Z");
    await writeFile(join(tree, "net/net.h"), '#define WORD "from the past"\n');
    await utimes(join(tree, "net/net.h"), old, old);
    await built();
    expect(await holds("from the past")).toBe(true);
  });

  it("may have another owner, be in a repository, and has its version from the Makefile", async () => {
    await run("git", "-C", tree, "init", "-q");
    await run("git", "-C", tree, "add", "-A");
    await run("git", "-C", tree, ..."-c user.name=a -c user.email=a@b commit -qm one".split(" "));
    await run("chmod", "-R", "a-w", tree);
    if (process.getuid?.() === 0) await run("chown", "-R", "12345", tree);
    const before = await listing(tree);
    expect(await built()).toMatch(/6\.12\.3 /);
    expect(await listing(tree)).toBe(before);
    await run("chmod", "-R", "u+w", tree);
  });

  it("is sent as a copy if only its owner may read it", async () => {
    await chmod(join(tree, "net/one.c"), 0o600);
    expect(await built()).toMatch(/source: sending 6 files to the engine/);
  });

  it("is rejected after an in-tree build, with a hint", async () => {
    await mkdir(join(tree, "include/generated"), { recursive: true });
    await writeFile(join(tree, "include/generated/autoconf.h"), "");
    await writeFile(join(tree, ".config"), "");
    const { exitCode, stderr } = await build();
    expect(stderr).toMatch(/in-tree build: \.config, include\/generated/);
    expect(stderr).toContain(`make -C ${tree} mrproper`);
    expect(exitCode).toBe(2);
  });

  it("has to be a kernel source tree", async () => {
    await writeFile(join(tree, "Makefile"), "all:\n");
    expect(await build()).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(/is not a kernel source tree/) as string,
    });
    await rm(join(tree, "Makefile"));
    expect((await build()).stderr).toMatch(/has no Makefile/);
    const { exitCode, stderr } = await build({}, "--kernel", "./nowhere");
    expect(stderr).toMatch(/there is no folder/);
    expect(exitCode).toBe(2);
  });

  it("is the source for gdb", async () => {
    await built();
    const { stderr, exitCode } = await kdock(["source", "export", "copy"], { cwd: folder });
    expect(stderr).toContain(`on this machine already: ${tree}`);
    expect(exitCode).toBe(2);
  });
});

/** The host's engine at another address; `change` may replace bytes of requests by others of the same length. */
function relay(change: (bytes: Buffer) => Buffer = (bytes) => bytes): Server {
  return createServer((client) => {
    const engine = connect("/var/run/docker.sock");
    const changed = new Transform({
      transform: (bytes: Buffer, _encoding, done) => {
        done(null, change(bytes));
      },
    });
    client.pipe(changed).pipe(engine).pipe(client);
    client.on("error", () => engine.destroy());
    engine.on("error", () => client.destroy());
  });
}

it("a tree is sent as a copy if the engine has other files at its path", async () => {
  const other = await mkdtemp(join(tmpdir(), "kdock-trees-"));
  await makeToyTree(join(other, "linux"));
  await mkdir(join(other, ".kdock/hand/in"), { recursive: true });
  // Replacements of the same length.
  const server = relay((bytes) =>
    Buffer.from(bytes.toString("latin1").replaceAll(`"${folder}/`, `"${other}/`), "latin1"),
  );
  const socket = join(other, "engine.sock");
  await new Promise<void>((done) => server.listen(socket, done));
  try {
    const env = { DOCKER_HOST: `unix://${socket}` };
    const { exitCode, stderr } = await build(env);
    expect(stderr).toMatch(/the engine does not see the tree .*linux\n→ Build again/);
    expect(exitCode).toBe(3);
    expect(await built(env)).toMatch(/source: sending 6 files to the engine/);
    expect(await holds("first")).toBe(true);
  } finally {
    server.close();
    await rm(other, { recursive: true });
  }
});

describe("on an engine elsewhere", () => {
  let server: Server;
  let env: Record<string, string>;
  beforeEach(async () => {
    // An engine behind TCP counts as remote.
    server = relay();
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    env = { DOCKER_HOST: `tcp://127.0.0.1:${address.port}` };
  });
  afterEach(() => server.close());

  it("a tree is sent once, then only changes, and removed files are removed", async () => {
    await run("git", "-C", tree, "init", "-q");
    await writeFile(join(tree, "net/removed.c"), "");
    expect(await built(env)).toMatch(/source: sending 7 files to the engine \(0 MB\)/);
    await writeFile(join(tree, "net/net.h"), '#define WORD "second"\n');
    await rm(join(tree, "net/removed.c"));
    expect(await built(env)).toMatch(
      /source: sending 1 changed file to the engine \(1 KB\), 1 removed/,
    );
    expect(await compiled()).toEqual(["net/two.o"]);
    expect(await holds("second")).toBe(true);
    expect(await built(env)).toMatch(/up to date/);
    const [volume = ""] = (
      await docker(
        "volume",
        "ls",
        "-q",
        "--filter",
        `label=io.kdock.project=${projectNames(folder).id}`,
        "--filter",
        "label=io.kdock.role=source",
      )
    ).split("\n");
    const image =
      (await docker("images", "-q", "--filter", "label=io.kdock.role=image-kernel")).split(
        "\n",
      )[0] ?? "";
    const there = await docker(
      "run",
      "--rm",
      "-v",
      `${volume}:/src:ro`,
      "--entrypoint",
      "find",
      image,
      "/src",
      "-type",
      "f",
      "-not",
      "-path",
      "*/.kdock*",
    );
    expect(there.split("\n").sort()).toEqual(
      ["Kconfig", "Makefile", "init/main.c", "net/net.h", "net/one.c", "net/two.c"].map(
        (name) => `/src/${name}`,
      ),
    );
  });

  it("patches are applied to the copy only, and again if their file changes", async () => {
    const patch = `--- a/net/net.h\n+++ b/net/net.h\n@@ -1 +1,2 @@\n #define WORD "first"\n+#define MORE\n`;
    await writeFile(join(folder, "more.patch"), patch);
    await configure("  patches: [more.patch]\n");
    const before = await listing(tree);
    // Also on the host: a mounted tree is read-only and cannot be patched.
    await built();
    expect(await listing(tree)).toBe(before);
    await writeFile(join(tree, "net/net.h"), '#define WORD "other"\n');
    const { exitCode, stderr } = await build();
    expect(stderr).toMatch(/the patch more\.patch does not apply to local tree/);
    expect(stderr).toMatch(
      /patch failed: net\/net\.h:1\n.*@@ -1 \+1,2 @@\n.* #define WORD "first"\n.*\+#define MORE/,
    );
    expect(exitCode).toBe(2);
    await writeFile(join(folder, "more.patch"), patch.replace("first", "other"));
    await built();
    expect(await holds("other")).toBe(true);
  });
});

describe("a tree that is edited during the build", () => {
  const header = (word: string) => writeFile(join(tree, "net/net.h"), `#define WORD "${word}"\n`);
  const keys = () => readdir(join(folder, ".kdock/out/kernel"));

  /** From now on make waits with net/two.c, the header's only reader, for .kdock-go1, in the next build for .kdock-go2 ... */
  async function makeWait(): Promise<void> {
    const makefile = await readFile(join(tree, "Makefile"), "utf8");
    const waiting = `\t@case $* in net/two) n=$$(($$(cat $(O)/.kdock/n || echo 0) + 1)); echo $$n > $(O)/.kdock/n; \\
\t  echo "  WAITS $$n"; while [ ! -e .kdock-go$$n ]; do sleep 0.1; done;; esac\n`;
    await writeFile(
      join(tree, "Makefile"),
      makefile.replace('\t@echo "  CC ', (found) => waiting + found),
    );
  }
  const waits = (time: number) =>
    expect
      .poll(() => readFile(join(folder, ".kdock/logs/kernel.log"), "utf8").catch(() => ""), {
        timeout: 120_000,
      })
      .toContain(`  WAITS ${time}\n`);
  const goOn = (time: number) => writeFile(join(tree, `.kdock-go${time}`), "");

  /** Builds while `edit` runs, and lets make continue in any case. */
  async function builtDuring(edits: () => Promise<void>) {
    await makeWait();
    const building = build();
    try {
      await edits();
    } finally {
      for (const time of [1, 2]) await goOn(time);
    }
    return building;
  }

  it("is built again in its new state, and leaves no artifacts under the old key", async () => {
    const { exitCode, stderr } = await builtDuring(async () => {
      await waits(1);
      await header("second");
    });
    expect(stderr).toMatch(
      /net\/net\.h \(.*linux\) changed during the build, so its output is discarded: building again/,
    );
    expect(exitCode).toBe(0);
    expect(await holds("second")).toBe(true);
    expect(await keys()).toHaveLength(1);

    await header("first");
    await goOn(3);
    expect(await built()).not.toMatch(/up to date/);
    expect(await holds("first")).toBe(true);
    expect(await holds("second")).toBe(false);
  });

  it("is an error if that happens again, also if a file was restored", async () => {
    const { exitCode, stderr } = await builtDuring(async () => {
      await waits(1);
      await header("second");
      await goOn(1);
      await waits(2);
      await header("third");
      await header("second");
    });
    expect(stderr).toMatch(/error: net\/net\.h .* changed during the build/);
    expect(stderr).toMatch(/→ Build again when nothing writes to the tree/);
    expect(exitCode).toBe(1);
    expect(await keys()).toEqual([]);
  });

  it("is not affected by files of editors", async () => {
    const { exitCode, stderr } = await builtDuring(async () => {
      await waits(1);
      await writeFile(join(tree, "net/.two.c.swp"), "");
      await rm(join(tree, "net/.two.c.swp"));
    });
    expect(stderr).not.toMatch(/changed during/);
    expect(exitCode).toBe(0);
  });
});

/** Makes ccache store a wrong object for net/two.c under the right key. */
async function plantObject(): Promise<void> {
  // Unique per test, in case the cache is shared.
  await writeFile(join(tree, "net/net.h"), `#define WORD "first" // ${folder}\n`);
  await writeFile(
    join(tree, "planter"),
    `#!/bin/sh
"$@" || exit
while [ $# -gt 1 ]; do
  case "$1 $2" in "-o "*two*) echo 'const char *two(void) { return "planted"; }' | gcc-14 -x c -c -o "$2" - ;; esac
  shift
done
`,
  );
  await chmod(join(tree, "planter"), 0o755);
  const makefile = await readFile(join(tree, "Makefile"), "utf8");
  const planting = makefile.replace("\t@$(CC)", "\t@CCACHE_PREFIX=/src/planter $(CC)");
  expect(planting).not.toBe(makefile);
  await writeFile(join(tree, "Makefile"), planting);
}

it("a tree's Makefile cannot plant objects in the compiler cache of another project", async () => {
  const honest = await readFile(join(tree, "Makefile"), "utf8");
  await plantObject();
  await built();
  expect(await holds("planted")).toBe(true);
  // The plant works: the project's own build uses it from the cache.
  await writeFile(join(tree, "Makefile"), honest);
  await docker("volume", "rm", ...(await volumesOf("objects")));
  await built();
  expect(await holds("planted")).toBe(true);

  const [planter, victim] = [folder, join(folder, "victim")];
  await mkdir(victim);
  for (const name of ["toy.config", "kdock.lock"]) {
    await copyFile(join(folder, name), join(victim, name));
  }
  folder = victim;
  try {
    await configure("", "path:../linux");
    await built();
    expect(await holds("planted")).toBe(false);
    expect(await holds("first")).toBe(true);
  } finally {
    await removeVolumes(victim);
    folder = planter;
  }
  // A project's cleanup removes its own cache only.
  expect(await volumesOf("ccache")).toEqual([projectNames(folder).ccacheVolume]);
});

async function volumesOf(role: string): Promise<string[]> {
  const labels = [`project=${projectNames(folder).id}`, `role=${role}`];
  const filters = labels.flatMap((label) => ["--filter", `label=io.kdock.${label}`]);
  const names = await docker("volume", "ls", "-q", ...filters);
  return names.split("\n").filter((name) => name !== "");
}

it("a compiler that the tree does not support is an error before anything is built", async () => {
  await configure("  toolchain: clang-11\n");
  const { exitCode, stderr } = await build();
  expect(stderr).toMatch(/clang-11 is too old for Linux 6\.12\.3, which needs clang-13 or later/);
  expect(stderr).toMatch(/auto: that is gcc-14/);
  expect(exitCode).toBe(2);
});

describe("a git repository", () => {
  let source: string;
  const git = (...words: string[]) =>
    run("git", "-C", tree, "-c", "user.name=a", "-c", "user.email=a@b", ...words);
  const head = async () => (await git("rev-parse", "HEAD")).trim();

  beforeEach(async () => {
    await git("init", "-q", "-b", "main");
    await git("add", "-A");
    await git("commit", "-qm", "one");
    await git("tag", "-a", "-m", "the first", "v6.12");
    await writeFile(join(tree, "net/net.h"), '#define WORD "second"\n');
    await rm(join(tree, "Kconfig"));
    await git("commit", "-qam", "two");
    source = "git:./linux#v6.12";
    await configure("", source);
  });

  it("is built at the locked commit of a tag, and another commit is built incrementally", async () => {
    await built();
    expect(await holds("first")).toBe(true);
    expect(await readFile(join(folder, "kdock.lock"), "utf8")).toContain(
      (await git("rev-parse", "v6.12^{}")).trim(),
    );
    expect(await built()).toMatch(/up to date/);
    await forgetLog();
    const { exitCode } = await build({}, "--kernel", "git:./linux#main");
    expect(exitCode).toBe(0);
    expect(await compiled()).toEqual(["net/two.o"]);
    expect(await holds("second")).toBe(true);
    // The first commit again, by its id: the same objects.
    await forgetLog();
    const first = (await git("rev-parse", "v6.12^{}")).trim();
    await build({}, "--kernel", `git:./linux#${first}`);
    expect(await compiled()).toEqual(["net/two.o"]);
  });

  it("follows its branch with lock --update, and reports a missing locked commit", async () => {
    await configure("", "git:./linux#main");
    await built();
    await writeFile(join(tree, "net/net.h"), '#define WORD "third"\n');
    await git("commit", "-qa", "--amend", "-m", "two again");
    expect(await built()).toMatch(/up to date/);
    const { stdout, stderr } = await kdock(["lock", "--update", "kernel"], { cwd: folder });
    expect(stdout + stderr).toContain((await head()).slice(0, 12));
    await built();
    expect(await holds("third")).toBe(true);

    // Without the objects and the commit.
    const lock = join(folder, "kdock.lock");
    await writeFile(join(tree, "net/net.h"), '#define WORD "fourth"\n');
    await git("commit", "-qa", "--amend", "-m", "two once more");
    await git("reflog", "expire", "--expire=now", "--all");
    await git("gc", "-q", "--prune=now");
    await rm(join(folder, ".kdock"), { recursive: true });
    const { id } = projectNames(folder);
    for (const name of (
      await docker("volume", "ls", "-q", "--filter", `label=io.kdock.project=${id}`)
    ).split("\n")) {
      if (name !== "") await docker("volume", "rm", name);
    }
    const before = await readFile(lock, "utf8");
    const outcome = await build();
    expect(outcome.stderr).toMatch(/the commit [0-9a-f]{40}, which the lock names, is not in/);
    expect(outcome.stderr).toMatch(/kdock lock --update/);
    expect(outcome.exitCode).toBe(3);
    expect(await readFile(lock, "utf8")).toBe(before);
  });

  it("uses a worktree's HEAD", async () => {
    const side = join(folder, "side");
    await git("worktree", "add", "-q", "-b", "wip/side", side);
    await writeFile(join(side, "net/net.h"), '#define WORD "side"\n');
    await run("git", "-C", side, ..."-c user.name=a -c user.email=a@b commit -qam side".split(" "));
    await configure("", "git:./side#HEAD");
    await built();
    expect(await holds("side")).toBe(true);
    expect(await head()).not.toBe((await run("git", "-C", side, "rev-parse", "HEAD")).trim());
  });

  it("suggests similar names for an unknown one", async () => {
    await configure("", "git:./linux#v6.21");
    const { exitCode, stderr } = await build();
    expect(stderr).toMatch(/there is no branch, tag or commit v6\.21.*\n.*v6\.12/);
    expect(exitCode).toBe(2);
    await configure("", "git:./nowhere#main");
    expect(await build()).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(/no git repository at \.\/nowhere/) as string,
    });
  });
});
