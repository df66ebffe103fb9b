import { describe, expect, it } from "vitest";
import { splitLock } from "../../../../src/build/lock/engine-view.js";
import { EMPTY_LOCK } from "../../../../src/build/lock/lock.js";
import { toolchainDrift } from "../../../../src/build/lock/toolchain-drift.js";

const image = (packages: Readonly<Record<string, string>>) => ({
  ...{ base: "trixie" as const, time: "20261123T033000Z" },
  packages,
});

/** The drift on an engine on x86_64, for compilers of x86_64 kernels there and on engines on arm64. */
function drift(own: Readonly<Record<string, string>>, theirs: Readonly<Record<string, string>>) {
  const images = {
    "kernel gcc-14": image(own),
    "kernel gcc-14 on arm64": image(theirs),
    "vm on arm64": image({ "qemu-system-x86": "1:11.0" }),
    vm: image({ "qemu-system-x86": "1:10.0" }),
  };
  const { lock, others } = splitLock({ ...EMPTY_LOCK, images }, "x86_64");
  return toolchainDrift(lock, "x86_64", others);
}

describe("toolchainDrift", () => {
  it("treats a cross compiler of the same version as equal", () => {
    const own = { "gcc-14": "14.2.0-19", binutils: "2.44-3", "libc6-dev": "2.41-12" };
    const theirs = {
      ...{ "gcc-14-x86-64-linux-gnu": "14.2.0-19cross1", "binutils-x86-64-linux-gnu": "2.44-3+b1" },
      "libc6-dev": "2.41-11",
    };
    expect(drift(own, theirs)).toEqual([]);
    expect(drift({ "musl-dev": "1.2.5-3" }, { "musl-dev:amd64": "1.2.5-3" })).toEqual([]);
  });

  it("reports each compiler with another version", () => {
    expect(
      drift({ "gcc-14": "14.2.0-19" }, { "gcc-14-x86-64-linux-gnu": "14.2.0-20cross1" }),
    ).toEqual(["gcc-14 is 14.2.0-19 for engines on x86_64, and 14.2.0-20 for those on arm64"]);
    expect(drift({ "musl-dev": "1.2.5-3" }, { "musl-dev:amd64": "1.2.6-1" })).toHaveLength(1);
  });
});
