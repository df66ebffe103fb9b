import { describe, expect, it } from "vitest";
import { EMPTY_LOCK, type Lock } from "../../../../src/build/lock/lock.js";
import {
  withoutParts,
  isNothing,
  lockRequests,
  missingRequests,
  prune,
} from "../../../../src/build/lock/requests.js";
import { UPDATE_PARTS, type UpdatePart } from "../../../../src/core/plan/choices.js";
import { config } from "../../fixtures.js";
import { SAMPLE } from "./sample.js";

const DEFAULT = config();
const WANTED = lockRequests(DEFAULT, "x86_64");

interface Missing {
  bases: string[];
  images: string[];
  sources: string[];
}

/** The entries that a lock lacks for a configuration, by name. */
function missing(lock: Lock, yaml = ""): Missing {
  const asked = config(yaml);
  const { bases, images, sources } = missingRequests(lock, lockRequests(asked, "x86_64"), asked);
  const names = (list: readonly { name: string }[]) => list.map(({ name }) => name);
  return { bases: [...bases], images: names(images), sources: names(sources) };
}

function without<T>(map: Readonly<Record<string, T>>, name: string): Record<string, T> {
  return Object.fromEntries(Object.entries(map).filter(([key]) => key !== name));
}

const NOTHING: Missing = { bases: [], images: [], sources: [] };
const IMAGES = ["kernel gcc-14", "busybox", "vm", "gdb"];
const SOURCES = ["kernel debian:6.12", "busybox release:1.37.0"];

describe("lockRequests", () => {
  it("requests each base once, four images and two sources", () => {
    const none = { cross: undefined, extra: [], packages: [] };
    const qemu = ["qemu-system-x86", "seabios"];
    const cross = "x86_64-linux-gnu,amd64";
    expect(WANTED).toEqual({
      bases: ["trixie"],
      images: [
        {
          name: "kernel gcc-14",
          kind: "kernel",
          suite: "trixie",
          toolchain: "gcc-14",
          ...{ ...none, cross },
        },
        {
          ...{ name: "busybox", kind: "busybox", suite: "trixie", toolchain: undefined },
          ...{ ...none, cross },
        },
        {
          ...{ name: "vm", kind: "vm", suite: "trixie", toolchain: undefined, cross: undefined },
          ...{ extra: qemu, packages: qemu },
        },
        { name: "gdb", kind: "gdb", suite: "trixie", toolchain: undefined, ...none },
      ],
      sources: [
        {
          ...{ name: "kernel debian:6.12", kind: "kernel", spec: "debian:6.12" },
          ...{ suite: "trixie", inBuilder: false },
        },
        {
          ...{ name: "busybox release:1.37.0", kind: "busybox", spec: "release:1.37.0" },
          ...{ suite: "trixie", inBuilder: true },
        },
      ],
    });
  });

  it("requests images of another architecture by other names", () => {
    const { images } = lockRequests(config("kernel: { arch: arm64 }"), "x86_64");
    expect(images.map(({ name, cross, extra }) => ({ name, cross, extra }))).toEqual([
      { name: "kernel gcc-14 arm64", cross: "aarch64-linux-gnu,arm64", extra: [] },
      { name: "busybox arm64", cross: "aarch64-linux-gnu,arm64", extra: [] },
      { name: "vm arm64", cross: undefined, extra: ["qemu-system-arm"] },
      { name: "gdb gdb-multiarch", cross: undefined, extra: ["gdb-multiarch"] },
    ]);
    const { images: others } = lockRequests(config("kernel: { arch: riscv64 }"), "x86_64");
    expect(others.map(({ name }) => name)).toContain("gdb gdb-multiarch");
  });

  it.each([
    ["busybox: { source: release:1.36.1 }", false],
    ["busybox: { source: release:1.36.0 }", true],
    // Complete names are compared.
    ["busybox: { source: release:6.1.0 }", true],
    [`busybox: { source: release:1.36.0, sha256: "${"a".repeat(64)}" }`, false],
    ["kernel: { source: release:6.12 }", true],
    ["kernel: { source: debian:6.12 }", false],
  ])("determines whether %s needs a builder: %s", (yaml, inBuilder) => {
    const content = Buffer.from(
      `# sums\n${"b".repeat(64)}  busybox-1.36.1.tar.bz2\n${"c".repeat(64)}  other-busybox-6.1.0.tar.bz2\n`,
    );
    const assets = new Map([["images/busybox/sha256sums", { content, executable: false }]]);
    const kind = yaml.startsWith("kernel") ? "kernel" : "busybox";
    const { sources } = lockRequests(config(yaml), "x86_64", assets);
    expect(sources.find((source) => source.kind === kind)).toMatchObject({ inBuilder });
  });

  it("requests the kernel's base in addition to that of the other images", () => {
    const { bases, images, sources } = lockRequests(
      config("kernel: { source: debian:6.1 }"),
      "x86_64",
    );
    expect(bases).toEqual(["bookworm", "trixie"]);
    expect(images[0]).toMatchObject({ name: "kernel gcc-12", suite: "bookworm" });
    expect(sources[0]).toMatchObject({ name: "kernel debian:6.1", suite: "bookworm" });
  });
});

describe("missingRequests", () => {
  it("returns all requests without a lock and none with a complete one", () => {
    expect(missing(EMPTY_LOCK)).toEqual({ bases: ["trixie"], images: IMAGES, sources: SOURCES });
    expect(missing(SAMPLE)).toEqual(NOTHING);
    expect(isNothing(missingRequests(SAMPLE, WANTED, DEFAULT))).toBe(true);
    expect(isNothing(missingRequests(EMPTY_LOCK, WANTED, DEFAULT))).toBe(false);
  });

  it.each(IMAGES)("returns only the image %s", (name) => {
    const lock = { ...SAMPLE, images: without(SAMPLE.images, name) };
    expect(missing(lock)).toEqual({ ...NOTHING, images: [name] });
    expect(isNothing(missingRequests(lock, WANTED, DEFAULT))).toBe(false);
  });

  it("returns an image whose locked packages are incomplete; ignores conditions", () => {
    const wanted = (list: string) => {
      const content = Buffer.from(list);
      const assets = new Map([["images/gdb/packages", { content, executable: false }]]);
      return missingRequests(SAMPLE, lockRequests(DEFAULT, "x86_64", assets), DEFAULT).images.map(
        ({ name }) => name,
      );
    };
    expect(wanted("# a debugger\ngdb # with Python\n\nlibc6\ngcc bookworm\n")).toEqual([]);
    expect(wanted("gdb\ncrash\n")).toEqual(["gdb"]);
    expect(wanted("gdb\ncrash <trixie\n")).toEqual(["gdb"]);
  });

  it.each(SOURCES)("returns only the source %s", (name) => {
    const lock = { ...SAMPLE, sources: without(SAMPLE.sources, name) };
    expect(missing(lock)).toEqual({ ...NOTHING, sources: [name] });
    expect(isNothing(missingRequests(lock, WANTED, DEFAULT))).toBe(false);
  });

  it("returns a base together with its images", () => {
    expect(missing({ ...SAMPLE, bases: without(SAMPLE.bases, "trixie") })).toEqual({
      bases: ["trixie"],
      images: IMAGES,
      sources: [],
    });
    expect(missing({ ...SAMPLE, bases: without(SAMPLE.bases, "bookworm") })).toEqual(NOTHING);
  });

  it("returns an image that was resolved against another base", () => {
    const old = { ...SAMPLE.images["vm"], base: "bookworm", time: "", packages: {} } as const;
    expect(missing({ ...SAMPLE, images: { ...SAMPLE.images, vm: old } })).toEqual({
      ...NOTHING,
      images: ["vm"],
    });
  });

  it.each([
    ["kernel: { source: debian:6.16 }", { sources: ["kernel debian:6.16"] }],
    ["busybox: { source: release:1.36.1 }", { sources: ["busybox release:1.36.1"] }],
    [`busybox: { sha256: ${"a".repeat(64)} }`, { sources: ["busybox release:1.37.0"] }],
    [`busybox: { sha256: "${"4".repeat(64)}" }`, {}],
    ["kernel: { toolchain: gcc-13 }", { images: ["kernel gcc-13"] }],
    ["kernel: { toolchain: gcc-12 }", {}],
    ["kernel: { preset: tiny }", {}],
  ])("returns the entries that change with %s", (yaml, expected) => {
    expect(missing(SAMPLE, yaml)).toEqual({ ...NOTHING, ...expected });
  });
});

describe("withoutParts", () => {
  it.each<[UpdatePart[], Partial<Missing>]>([
    [[], {}],
    [["kernel"], { sources: ["kernel debian:6.12"] }],
    [["busybox"], { sources: ["busybox release:1.37.0"] }],
    [["base"], { bases: ["trixie"], images: IMAGES }],
    [["toolchain"], { images: ["kernel gcc-14", "busybox"] }],
    [["qemu"], { images: ["vm"] }],
    [["gdb"], { images: ["gdb"] }],
    [["qemu", "kernel"], { images: ["vm"], sources: ["kernel debian:6.12"] }],
    [[...UPDATE_PARTS], { bases: ["trixie"], images: IMAGES, sources: SOURCES }],
  ])("removes only the entries of %j", (parts, expected) => {
    const before = structuredClone(SAMPLE);
    const after = withoutParts(SAMPLE, parts);
    expect(missing(after)).toEqual({ ...NOTHING, ...expected });
    expect(after).toMatchObject({ stages: SAMPLE.stages, files: SAMPLE.files });
    expect(SAMPLE).toEqual(before);
  });

  it("removes the entries of all kernels", () => {
    expect(Object.keys(withoutParts(SAMPLE, ["toolchain"]).images)).toEqual(["vm", "gdb"]);
    const older = { ...SAMPLE.sources["kernel debian:6.12"], version: "6.1.1-1" };
    const lock = { ...SAMPLE, sources: { ...SAMPLE.sources, "kernel debian:6.1": older } };
    expect(Object.keys(withoutParts(lock as Lock, ["kernel"]).sources)).toEqual([
      "busybox release:1.37.0",
    ]);
  });
});

describe("prune", () => {
  it("removes only entries that are not requested", () => {
    const pruned = prune(SAMPLE, WANTED);
    expect(Object.keys(pruned.bases)).toEqual(["trixie"]);
    expect(Object.keys(pruned.images).sort()).toEqual([...IMAGES].sort());
    expect(Object.keys(pruned.sources).sort()).toEqual([...SOURCES].sort());
    expect(pruned).toMatchObject({ stages: SAMPLE.stages, files: SAMPLE.files });
    expect(missing(pruned)).toEqual(NOTHING);
    expect(prune(pruned, WANTED)).toEqual(pruned);
  });

  it("removes entries that another configuration replaces", () => {
    const yaml =
      "{ kernel: { source: debian:6.1, toolchain: gcc-12 }, busybox: { source: release:1.36.1 } }";
    const pruned = prune(SAMPLE, lockRequests(config(yaml), "x86_64"));
    expect(Object.keys(pruned.bases).sort()).toEqual(["bookworm", "trixie"]);
    expect(Object.keys(pruned.images)).not.toContain("kernel gcc-14");
    expect(Object.keys(pruned.images)).toContain("kernel gcc-12");
    expect(pruned.sources).toEqual({});
  });
});
