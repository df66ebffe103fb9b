import { describe, expect, it } from "vitest";
import {
  type RootfsEntry,
  rootfsEntries,
  type RootfsFiles,
} from "../../../src/plan/rootfs-plan.js";
import type { OverlayEntry } from "../../../src/plan/user-files.js";
import { ASSETS, text } from "./fixtures.js";

const BUSYBOX: RootfsEntry[] = [
  { path: "bin", kind: "directory" },
  { path: "bin/busybox", kind: "file", executable: true, content: text("busybox") },
  { path: "bin/sh", kind: "symlink", target: "busybox" },
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
  return { path, kind: "file", executable: true, target: "", content: text(content) };
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
    expect(root.get("init")).toMatchObject({ kind: "file", executable: true });
  });

  it("lets the overlay replace files and add folders with their parents", () => {
    const root = entries([file("init", "mine"), file("opt/lab/run.sh", "echo")]);
    expect(root.get("init")).toMatchObject({ content: text("mine") });
    expect(root.get("opt")).toEqual({ path: "opt", kind: "directory" });
    expect(root.get("opt/lab")).toEqual({ path: "opt/lab", kind: "directory" });
  });

  it("lets the overlay put a file where a folder was, and a folder where a file was", () => {
    const root = entries([file("bin", "no folder"), file("init/inner", "x")]);
    expect(root.get("bin")?.kind).toBe("file");
    expect(root.has("bin/busybox")).toBe(false);
    expect(root.get("init")?.kind).toBe("directory");
  });

  it("has the init scripts in order and executable, over what the overlay has there", () => {
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
    expect(second).toMatchObject({ executable: true, content: text("2") });
    expect([...entries().keys()].some((path) => path.startsWith("etc/kdock"))).toBe(false);
  });

  it("keeps what a folder of the overlay does not name", () => {
    const folder: OverlayEntry = {
      path: "bin",
      kind: "directory",
      executable: true,
      target: "",
      content: new Uint8Array(),
    };
    expect(entries([folder]).has("bin/busybox")).toBe(true);
  });
});
