import { describe, expect, it } from "vitest";
import {
  joinLock,
  keptOfOthers,
  NO_OTHER_ENGINES,
  splitLock,
} from "../../../../src/build/lock/engine-view.js";
import { EMPTY_LOCK, type Lock } from "../../../../src/build/lock/lock.js";
import { parseLock, printLock } from "../../../../src/build/lock/lock-text.js";
import { withoutParts, keptRequests, prune } from "../../../../src/build/lock/requests.js";
import { config } from "../../fixtures.js";

const TIME = "20261123T033000Z";
const base = (digit: string) => ({
  ...{ from: "bootstrap" as const, digest: digit.repeat(64), time: TIME },
  packages: { bash: "5.2.37-2" },
});
const image = (packages: Readonly<Record<string, string>>) => ({
  ...{ base: "trixie" as const, time: TIME },
  packages,
});

/** Written by engines of both architectures: the compiler of an x86_64 kernel is a cross compiler on arm64. */
const FILE: Lock = {
  ...EMPTY_LOCK,
  bases: { trixie: base("a"), "trixie on arm64": base("b") },
  images: {
    "kernel gcc-14": image({ "gcc-14": "14.2.0-19" }),
    "kernel gcc-14 on arm64": image({ "gcc-14-x86-64-linux-gnu": "14.2.0-19cross1" }),
    "kernel gcc-14 arm64 on arm64": image({ "gcc-14": "14.2.0-19" }),
    "busybox on arm64": image({ "musl-dev:amd64": "1.2.5-3" }),
    "vm on arm64": image({ "qemu-system-x86": "1:10.0" }),
  },
};

describe("a lock of engines of several architectures", () => {
  it("is split for each engine, and joined again without changes", () => {
    const { lock, others } = splitLock(FILE, "arm64");
    expect(Object.keys(lock.bases)).toEqual(["trixie"]);
    expect(lock.bases["trixie"]?.digest).toMatch(/^b+$/);
    expect(Object.keys(lock.images)).toEqual([
      "kernel gcc-14",
      "kernel gcc-14 arm64",
      "busybox",
      "vm",
    ]);
    expect(joinLock(lock, "arm64", others)).toEqual(FILE);
    const usual = splitLock(FILE, "x86_64");
    expect(Object.keys(usual.lock.images)).toEqual(["kernel gcc-14"]);
    expect(joinLock(usual.lock, "x86_64", usual.others)).toEqual(FILE);
  });

  it("has no suffixes if all engines are on x86_64", () => {
    const { lock } = splitLock(FILE, "x86_64");
    expect(printLock(joinLock(lock, "x86_64", NO_OTHER_ENGINES))).toBe(printLock(lock));
  });

  it("is parsed as it was printed", () => {
    expect(parseLock(printLock(FILE), "kdock.lock")).toEqual(FILE);
  });

  it("updates and prunes entries of other engines like those of its engine", () => {
    const { others } = splitLock(FILE, "x86_64");
    const kept = (parts: Parameters<typeof withoutParts>[1], yaml = "") =>
      Object.keys(
        keptOfOthers(others, (lock, engine) =>
          prune(withoutParts(lock, parts), keptRequests(config(yaml), engine)),
        ).images,
      );
    expect(kept([])).toEqual(["kernel gcc-14 on arm64", "busybox on arm64", "vm on arm64"]);
    expect(kept(["toolchain"])).toEqual(["vm on arm64"]);
    expect(kept([], "kernel: { arch: arm64 }")).toEqual(["kernel gcc-14 arm64 on arm64"]);
  });
});
