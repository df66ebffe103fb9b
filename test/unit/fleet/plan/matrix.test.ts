import { expect, it } from "vitest";
import { loadConfig } from "../../../../src/config/layers.js";
import { EMPTY_LOCK, type Lock } from "../../../../src/build/lock/lock.js";
import { keptRequests, lockRequests, prune } from "../../../../src/build/lock/requests.js";
import { listed, matrixRows } from "../../../../src/fleet/plan/matrix.js";
import { matrixTable } from "../../../../src/fleet/text/matrix-text.js";
import type { MatrixResult } from "../../../../src/fleet/plan/matrix.js";

it("listed splits at commas and blanks", () => {
  expect(listed(["5.10,6.1", "6.12 7.0", ""])).toEqual(["5.10", "6.1", "6.12", "7.0"]);
});

it("matrixRows combines every kernel, preset and architecture once", () => {
  const rows = matrixRows({
    kernels: ["debian:6.1", "debian:6.1", "debian:6.12"],
    presets: ["debug", "tiny"],
    archs: [],
  });
  expect(rows.map(({ name }) => name)).toEqual([
    "debian-6.1-debug",
    "debian-6.12-debug",
    "debian-6.1-tiny",
    "debian-6.12-tiny",
  ]);
  expect(rows[0]?.flags).toEqual({ kernel: "debian:6.1", preset: "debug" });
  expect(matrixRows({ kernels: ["debian:6.12"], presets: [], archs: ["x86_64", "arm64"] })).toEqual(
    [
      { name: "debian-6.12-x86-64", flags: { kernel: "debian:6.12", arch: "x86_64" } },
      { name: "debian-6.12-arm64", flags: { kernel: "debian:6.12", arch: "arm64" } },
    ],
  );
});

it("the lock keeps the kernels of matrix.kernels, which a build does not request", () => {
  const config = loadConfig({
    file: { name: "kdock.yaml", text: "matrix: { kernels: ['5.10', '6.12'] }" },
  });
  const source = { version: "1", sha256: "0".repeat(64), time: "", signedBy: "" };
  const lock: Lock = {
    ...EMPTY_LOCK,
    sources: {
      "kernel debian:5.10": source,
      "kernel debian:6.12": source,
      "kernel debian:6.1": source,
      "busybox release:1.37.0": source,
    },
  };
  expect(Object.keys(prune(lock, keptRequests(config, "x86_64")).sources)).toEqual([
    "kernel debian:5.10",
    "kernel debian:6.12",
    "busybox release:1.37.0",
  ]);
  expect(keptRequests(config, "x86_64").bases).toEqual(["bullseye", "trixie"]);
  expect(lockRequests(config, "x86_64").bases).toEqual(["trixie"]);
});

it("the lock keeps the builders of all architectures in matrix.archs", () => {
  const config = loadConfig({
    file: { name: "kdock.yaml", text: "matrix: { kernels: ['6.12'], archs: [x86_64, arm64] }" },
  });
  const names = keptRequests(config, "x86_64").images.map(({ name }) => name);
  expect(names).toContain("kernel gcc-14");
  expect(names).toContain("kernel gcc-14 arm64");
  expect(lockRequests(config, "x86_64").images.map(({ name }) => name)).not.toContain(
    "kernel gcc-14 arm64",
  );
});

it("matrixTable omits columns that are the same in all rows", () => {
  const row: MatrixResult = {
    name: "debian-6.1",
    kernel: "debian:6.1",
    preset: "debug",
    arch: "x86_64",
    release: "6.1.148",
    key: "0123456789abcdef",
    toolchain: "gcc-12",
    cached: false,
    buildSeconds: 271,
    buildCpuSeconds: 480,
    imageBytes: 5_200_000,
    bootMs: 1640,
    commandMs: 12,
    exitCode: 0,
    verdict: "ok",
    message: undefined,
    output: [],
    logFile: undefined,
  };
  const failed: MatrixResult = {
    ...row,
    kernel: "debian:9.9",
    ...{ release: undefined, toolchain: undefined, buildCpuSeconds: undefined },
    ...{ imageBytes: undefined, bootMs: undefined, exitCode: undefined, buildSeconds: 2 },
    verdict: "build failed",
  };
  expect(matrixTable([row, { ...row, cached: true }, failed])).toEqual([
    "KERNEL      RELEASE  TOOLCHAIN       BUILD      CPU   IMAGE   BOOT  EXIT  VERDICT",
    "debian:6.1  6.1.148  gcc-12     4 min 31 s  8.0 min  5.2 MB  1.6 s     0  ok",
    "debian:6.1  6.1.148  gcc-12         cached  8.0 min  5.2 MB  1.6 s     0  ok",
    "debian:9.9  -        -               2.0 s        -       -      -     -  build failed",
  ]);
});
