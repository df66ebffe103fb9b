import { describe, expect, it } from "vitest";
import { loadConfig } from "../../../src/config/layers.js";
import {
  expandSource,
  lineOf,
  NO_SOURCE_CONTEXT,
  parseSource,
} from "../../../src/config/source-spec.js";
import { kernelVersion, makefileVersion } from "../../../src/build/plan/kernel-version.js";
import { config } from "../fixtures.js";

describe("a source's long form", () => {
  it.each([
    ["6.1", "debian:6.1"],
    ["6.1.20", "release:6.1.20"],
    ["7.1-rc3", "release:7.1-rc3"],
    ["./linux", "path:./linux"],
    ["..", "path:.."],
    ["/srv/linux", "path:/srv/linux"],
    ["debian:5.10", "debian:5.10"],
    ["linux", "linux"],
  ])("%s is %s", (word, long) => {
    expect(expandSource(word, NO_SOURCE_CONTEXT)).toBe(long);
  });

  const of = (source: string, mirrors: string[] = []) => expandSource("6.1", { source, mirrors });
  it("of a bare version follows the project's provider", () => {
    expect(of("release:6.12")).toBe("release:6.1");
    expect(of("debian:6.12", ["https://mirror.example"])).toBe("release:6.1");
    expect(of("git:https://git.example/linux.git#v6.12")).toBe(
      "git:https://git.example/linux.git#v6.1",
    );
    expect(of("path:../linux")).toBe("debian:6.1");
  });

  const source = (text: string, flag?: string, env?: string) =>
    loadConfig({
      file: { name: "kdock.yaml", text },
      flags: { kernel: { source: flag } },
      env: { KDOCK_KERNEL_SOURCE: env },
    }).kernel.source;
  it("is what a configuration has, whichever place named it", () => {
    expect(source("kernel: {source: 6.10}")).toBe("debian:6.10");
    expect(source("kernel: {source: release:6.12}", "6.1")).toBe("release:6.1");
    expect(source("kernel: {source: release:6.12}", undefined, "5.10")).toBe("release:5.10");
    expect(source("kernel: {source: 6.12, mirrors: ['http://mirror.example']}")).toBe(
      "release:6.12",
    );
    expect(source("", "6.1", "release:6.6")).toBe("release:6.1");
  });
});

describe("parsing a source", () => {
  it.each([
    ["debian:6.12", { kind: "debian", version: "6.12" }],
    ["release:4.19.303", { kind: "release", version: "4.19.303" }],
    ["release:6.12", { kind: "release", version: "6.12" }],
    ["release:7.1-rc3", { kind: "release", version: "7.1-rc3" }],
    [
      "git:https://git.example/linux.git#v6.1",
      { kind: "git", url: "https://git.example/linux.git", ref: "v6.1" },
    ],
    [
      "git:git@git.example:linux.git#x/y",
      { kind: "git", url: "git@git.example:linux.git", ref: "x/y" },
    ],
    ["path:../my linux", { kind: "path", folder: "../my linux" }],
  ])("%s", (text, value) => {
    expect(parseSource(text)).toEqual({ value });
  });

  it.each([
    ["debian:6.12.3", "for exactly this one write release:6.12.3"],
    ["release:v6.12", "did you mean release:6.12?"],
    ["release:linux-6.12.3", "did you mean release:6.12.3?"],
    ["release:latest", "expected release:X.Y or release:X.Y.Z"],
    ["release:2.6.32", "releases from 3.0 on are known"],
    ["relase:6.1", "did you mean release:?"],
    ["v6.1", "did you mean 6.1?"],
    ["linux", "for a folder write ./linux"],
    ["https://git.example/linux.git", "did you mean git:https://git.example/linux.git#REF?"],
    ["git:https://git.example/linux.git", "a branch, tag or commit has to follow"],
    ["git:https://git.example/$(x)#v1", "is no address of git's"],
    ["git:https://git.example/linux#-x", "is no branch, tag or commit"],
    ["path:", "got no folder"],
  ])("refuses %s", (text, problem) => {
    expect(parseSource(text)).toEqual({ problem: expect.stringContaining(problem) as string });
  });
});

it("knows a kernel's version from its source's name, the lock or the tree", () => {
  expect(kernelVersion(config("kernel: {source: release:6.6.30}"))).toBe("6.6.30");
  const git = config("kernel: {source: 'git:https://git.example/l.git#v6.1'}");
  expect(kernelVersion(git)).toBeUndefined();
  const tree = { folder: "/l", version: "5.4.3", transport: "mount" } as const;
  expect(kernelVersion(config("kernel: {source: ./l}"), { user: { tree } })).toBe("5.4.3");
});

it("reads a version off a Makefile", () => {
  const text = "# SPDX\nVERSION = 6\nPATCHLEVEL = 12\nSUBLEVEL = 3\nEXTRAVERSION = -rc1\n";
  expect(makefileVersion(text)).toBe("6.12.3-rc1");
  expect(makefileVersion("all:\n")).toBeUndefined();
  expect(lineOf("7.1-rc3")).toBe("7.1");
  expect(lineOf("6.12.30")).toBe("6.12");
});
