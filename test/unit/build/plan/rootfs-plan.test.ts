import { describe, expect, it } from "vitest";
import { KdockError } from "../../../../src/core/errors.js";
import type { OverlayEntry } from "../../../../src/build/plan/overlay.js";
import type { RootfsEntry } from "../../../../src/build/plan/root-tree.js";
import { rootfsEntries, type RootfsFiles } from "../../../../src/build/plan/rootfs-plan.js";
import { ASSETS, overlayFile, text } from "../../fixtures.js";

const BUSYBOX: RootfsEntry[] = [
  { path: "bin", kind: "directory", mode: 0o755 },
  { path: "bin/busybox", kind: "file", mode: 0o755, content: text("busybox") },
  { path: "bin/sh", kind: "symlink", target: "busybox" },
  { path: "sbin", kind: "directory", mode: 0o755 },
  { path: "sbin/init", kind: "symlink", target: "../bin/busybox" },
  { path: "usr/bin", kind: "directory", mode: 0o755 },
  { path: "usr/bin/awk", kind: "symlink", target: "../../bin/busybox" },
];

function entries(
  overlay: OverlayEntry[] = [],
  { initScripts = [], strict = false }: Partial<RootfsFiles> = {},
): Map<string, RootfsEntry> {
  const given = { overlay, initScripts, strict };
  const all = rootfsEntries(BUSYBOX, text("agent"), ASSETS, given);
  const byPath = new Map(all.map((entry) => [entry.path, entry]));
  expect(byPath.size).toBe(all.length);
  return byPath;
}

function file(path: string, content: string): OverlayEntry {
  return overlayFile(path, content, 0o755);
}

function link(path: string, target: string): OverlayEntry {
  return { path, kind: "symlink", target };
}

function folder(path: string, mode = 0o755): OverlayEntry {
  return { path, kind: "directory", mode };
}

/** Links by their target, folders as "", others as their kind. */
function shape(root: Map<string, RootfsEntry>, below: RegExp): Record<string, string> {
  const found = [...root.values()].filter(({ path }) => below.test(path));
  return Object.fromEntries(
    found.map((entry) => {
      if (entry.kind === "symlink") return [entry.path, entry.target];
      return [entry.path, entry.kind === "directory" ? "" : entry.kind];
    }),
  );
}

describe("rootfsEntries", () => {
  it("holds busybox, the tree, the agent and the empty mount points", () => {
    const root = entries();
    expect([...root.keys()]).toEqual(
      expect.arrayContaining([
        "bin/busybox",
        "bin/sh",
        "init",
        "usr/sbin/kdock-agent",
        "proc",
        "tmp",
      ]),
    );
    expect(root.get("init")).toMatchObject({ kind: "file", mode: 0o755 });
  });

  it("replaces files by the overlay's, and creates parent folders", () => {
    const root = entries([file("init", "mine"), file("opt/lab/run.sh", "echo")]);
    expect(root.get("init")).toMatchObject({ content: { size: 4 } });
    expect(root.get("opt")).toEqual(folder("opt"));
    expect(root.get("opt/lab")).toEqual(folder("opt/lab"));
  });

  it("replaces folders by files and files by folders of the overlay", () => {
    const root = entries([file("usr/bin", "no folder"), file("bin/sh/inner", "x")]);
    expect(root.get("usr/bin")?.kind).toBe("file");
    expect(root.has("usr/bin/awk")).toBe(false);
    expect(root.get("bin/sh")?.kind).toBe("directory");
  });

  it("has the init scripts in order and executable, replacing the overlay's files", () => {
    const script = (path: string, content: string) => ({ path, content: text(content) });
    const root = entries([file("etc/kdock", "no folder")], {
      initScripts: [script("b.sh", "1"), script("up/a b.sh", "2"), script("b.sh", "3")],
      strict: true,
    });
    const names = [...root.keys()].filter((path) => path.startsWith("etc/kdock"));
    expect(names.sort()).toEqual([
      "etc/kdock",
      "etc/kdock/init.d",
      "etc/kdock/init.d/001-b.sh",
      "etc/kdock/init.d/002-a-b.sh",
      "etc/kdock/init.d/003-b.sh",
      "etc/kdock/strict",
    ]);
    const second = root.get("etc/kdock/init.d/002-a-b.sh");
    expect(second).toMatchObject({ mode: 0o755, content: text("2") });
    expect([...entries().keys()].some((path) => path.startsWith("etc/kdock"))).toBe(false);
  });

  it("merges folders of the overlay", () => {
    expect(entries([folder("bin")]).has("bin/busybox")).toBe(true);
  });

  it("keeps the modes of the overlay", () => {
    const root = entries([
      overlayFile("bin/su", "", 0o4755),
      overlayFile("etc/key", "", 0o400),
      folder("root", 0o700),
      { path: "etc/null", kind: "character-device", mode: 0o666, major: 1, minor: 3 },
      { path: "etc/pipe", kind: "fifo", mode: 0o620 },
    ]);
    expect(root.get("bin/su")).toMatchObject({ mode: 0o4755 });
    expect(root.get("etc/key")).toMatchObject({ mode: 0o400 });
    expect(root.get("root")).toMatchObject({ mode: 0o700 });
    expect(root.get("etc/null")).toMatchObject({ mode: 0o666, major: 1, minor: 3 });
    expect(root.get("etc/pipe")).toMatchObject({ mode: 0o620 });
  });
});

describe("a link of the overlay over a folder of the root", () => {
  it("moves the folder's entries to its target", () => {
    const root = entries([
      link("bin", "usr/bin"),
      link("sbin", "/usr/sbin"),
      folder("usr/bin"),
      file("usr/bin/mine", ""),
      file("usr/bin/sh", ""),
    ]);
    expect(shape(root, /^(?:usr\/)?s?bin/)).toEqual({
      bin: "usr/bin",
      sbin: "/usr/sbin",
      "usr/bin": "",
      "usr/bin/awk": "../../bin/busybox",
      "usr/bin/busybox": "file",
      "usr/bin/mine": "file",
      // The overlay's file is kept.
      "usr/bin/sh": "file",
      "usr/sbin": "",
      // A relative link would refer to /usr/bin/busybox here.
      "usr/sbin/init": "/bin/busybox",
      "usr/sbin/kdock-agent": "file",
    });
  });

  it("creates a missing target, also through other links", () => {
    const root = entries([link("bin", "s/bin"), link("s", "/mnt/disk/system")]);
    expect(shape(root, /^(?:bin|s$|mnt)/)).toMatchObject({
      bin: "s/bin",
      s: "/mnt/disk/system",
      mnt: "",
      "mnt/disk/system/bin/busybox": "file",
    });
  });

  it("moves kdock's files, too", () => {
    const root = entries([link("etc", "usr/etc"), file("usr/etc/motd", "")], { strict: true });
    expect(shape(root, /etc/)).toEqual({
      etc: "usr/etc",
      "usr/etc": "",
      "usr/etc/kdock": "",
      "usr/etc/kdock/strict": "file",
      "usr/etc/motd": "file",
    });
  });

  it("replaces an empty folder", () => {
    expect(shape(entries([link("lib", "/mnt/nowhere")]), /^lib|nowhere/)).toEqual({
      lib: "/mnt/nowhere",
    });
  });

  it.each([
    ["to itself", "bin/x"],
    ["to a file", "init"],
    ["to a path below a file", "init/bin"],
  ])("is rejected if it links %s", (_what, target) => {
    expect(() => entries([link("bin", target)])).toThrow(KdockError);
    expect(() => entries([link("bin", target)])).toThrow("bin is a link to");
  });
});

describe("a root whose /init cannot run", () => {
  const script = (head: string, mode = 0o755) => overlayFile("init", head, mode);

  it.each<[string, OverlayEntry[], string]>([
    ["not executable", [script("#!/bin/sh\n", 0o644)], "is not executable (mode 0644)"],
    ["a folder", [file("init/x", "")], "is no file, but a directory"],
    ["a link to nothing", [link("init", "sbin/none")], "is a link to what is not in the root"],
    ["a link to itself", [link("init", "init")], "is a link to what is not in the root"],
    ["without its shell", [script("#!/bin/bash -e\n")], "needs /bin/bash, which the root has not"],
    [
      "whose shell is not executable",
      [script("#! /bin/sh\n"), overlayFile("bin/sh", "", 0o644)],
      "needs /bin/sh, which the root has not, or not as a program",
    ],
    ["with CRLF", [script("#!/bin/sh\r\necho\r\n")], "has the line ends of Windows"],
  ])("is rejected: %s", (_what, overlay, message) => {
    expect(() => entries(overlay)).toThrow(message);
    expect(() => entries(overlay)).toThrow(expect.objectContaining({ code: "config" }) as Error);
  });

  it.each<[string, OverlayEntry[]]>([
    ["a link to busybox", [link("init", "/sbin/init")]],
    ["a script of busybox's shell", [script("#!/bin/sh\n")]],
    ["a program", [script("\x7fELF")]],
    ["a script whose shell is behind a link", [script("#!/bin/sh\n"), link("bin", "usr/bin")]],
  ])("does not include %s", (_what, overlay) => {
    expect(entries(overlay).has("init")).toBe(true);
  });
});
