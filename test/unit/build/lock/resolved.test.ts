import { describe, expect, it } from "vitest";
import { EMPTY_LOCK, epochOf, momentOf } from "../../../../src/build/lock/lock.js";
import { parseLock, printLock } from "../../../../src/build/lock/lock-text.js";
import { lockRequests, missingRequests } from "../../../../src/build/lock/requests.js";
import { readResolved, type Resolved, withResolved } from "../../../../src/build/lock/resolved.js";
import { config } from "../../fixtures.js";
import { SAMPLE } from "./sample.js";

const KEYS =
  "debian:4CB50190207B4758A3F73A796ED0E7B82643E131,B8B80B5B623EAB6AD8775C45B7C5D7D6350947F8";
const LINES = [
  "Get:1 http://mirror.example/debian trixie InRelease [140 kB]",
  `@kdock archive trixie 20261123T033000Z ${KEYS}`,
  "@kdock installed libc6 2.41-12",
  "@kdock installed libstdc++6 14.2.0-19\r",
  "@kdock package kernel-gcc-14 gcc-14 14.2.0-19",
  "@kdock package kernel-gcc-14 make 4.4.1-2",
  "@kdock package busybox gcc 4:14.2.0-1",
  "@kdock package vm qemu-system-x86 1:10.0.2+ds-2",
  "@kdock package vm seabios 1.16.3-2",
  "@kdock package gdb gdb 16.3-1",
  `@kdock source kernel linux-source-6.12 6.12.48-1 trixie-security ${"3".repeat(64)} ${KEYS}`,
  `@kdock source busybox 1.37.0 ${"4".repeat(64)} pinned:kdock`,
  "not @kdock package vm evil 1",
  "@kdock phase unpack",
  "",
];
const BASE = { from: "bootstrap", digest: "1".repeat(64), createdAt: 1795392000 } as const;
const NOW = Date.UTC(2026, 10, 23, 3, 30, 0);
const WANTED = lockRequests(config(), "x86_64");

function resolve(lock = EMPTY_LOCK, found: Resolved = readResolved(LINES), wanted = WANTED) {
  return withResolved(lock, "trixie", BASE, wanted, found, NOW);
}

function linesWithout(...words: string[]): Resolved {
  return readResolved(LINES.filter((line) => !words.some((word) => line.includes(word))));
}

describe("readResolved", () => {
  it("parses kdock's lines among others", () => {
    expect(readResolved(LINES)).toEqual({
      packages: new Map([
        ["kernel-gcc-14", { "gcc-14": "14.2.0-19", make: "4.4.1-2" }],
        ["busybox", { gcc: "4:14.2.0-1" }],
        ["vm", { "qemu-system-x86": "1:10.0.2+ds-2", seabios: "1.16.3-2" }],
        ["gdb", { gdb: "16.3-1" }],
      ]),
      installed: { libc6: "2.41-12", "libstdc++6": "14.2.0-19" },
      sources: new Map<string, unknown>([
        [
          "kernel",
          {
            package: "linux-source-6.12",
            version: "6.12.48-1",
            suite: "trixie-security",
            sha256: "3".repeat(64),
            signedBy: KEYS,
          },
        ],
        ["busybox", { version: "1.37.0", sha256: "4".repeat(64), signedBy: "pinned:kdock" }],
      ]),
    });
  });

  it("is empty for no lines", () => {
    expect(readResolved([])).toEqual({ packages: new Map(), installed: {}, sources: new Map() });
  });
});

describe("withResolved", () => {
  it("returns a complete lock that can be printed and parsed", () => {
    const lock = resolve();
    expect(missingRequests(lock, WANTED, config())).toEqual({ bases: [], images: [], sources: [] });
    expect(parseLock(printLock(lock), "kdock.lock")).toEqual(lock);
    expect(lock.bases).toEqual({
      trixie: {
        from: "bootstrap",
        digest: "1".repeat(64),
        time: momentOf(BASE.createdAt * 1000),
        packages: { libc6: "2.41-12", "libstdc++6": "14.2.0-19" },
      },
    });
    expect(lock.images["kernel gcc-14"]).toEqual({
      base: "trixie",
      time: "20261123T033000Z",
      packages: { "gcc-14": "14.2.0-19", make: "4.4.1-2" },
    });
    expect(lock.sources["kernel debian:6.12"]).toMatchObject({
      version: "6.12.48-1",
      suite: "trixie-security",
      time: "20261123T033000Z",
    });
  });

  it("changes only requested entries, and never a locked base", () => {
    const gdb = WANTED.images.filter(({ kind }) => kind === "gdb");
    const lock = resolve(SAMPLE, linesWithout("source", "package vm"), {
      bases: [],
      images: gdb,
      sources: [],
    });
    expect(lock).toEqual({
      ...SAMPLE,
      images: {
        ...SAMPLE.images,
        gdb: { base: "trixie", time: "20261123T033000Z", packages: { gdb: "16.3-1" } },
      },
    });
  });

  it.each([
    ["package vm", "nothing was resolved for the image vm"],
    ["package kernel-gcc-14", "nothing was resolved for the image kernel gcc-14"],
    ["source kernel", "nothing was resolved for the source kernel debian:6.12"],
    ["source busybox", "nothing was resolved for the source busybox release:1.37.0"],
  ])("throws if the output lacks %s", (left, problem) => {
    expect(() => resolve(EMPTY_LOCK, linesWithout(left))).toThrow(problem);
  });

  it.each([
    "@kdock package vm",
    "@kdock package vm ipxe",
    "@kdock package vm ipxe 1;reboot",
    "@kdock package vm $(reboot) 1",
    "@kdock installed libc6",
    "@kdock source kernel linux-source-6.12 6.12.48-1 trixie abc debian:KEY",
    `@kdock source kernel linux-source-6.12 6.12.48-1 trixie ${"3".repeat(64)}`,
    `@kdock source busybox 1.37.0 ${"g".repeat(64)} pinned:kdock`,
  ])("throws for an invalid value: %s", (line) => {
    expect(() => resolve(EMPTY_LOCK, readResolved([...LINES, line]))).toThrow("expected");
  });
});

describe("epochOf and momentOf", () => {
  it("are inverse, to the second", () => {
    expect(momentOf(NOW)).toBe("20261123T033000Z");
    expect(momentOf(NOW + 999)).toBe("20261123T033000Z");
    expect(epochOf("20261123T033000Z")).toBe(NOW / 1000);
    expect(epochOf("19700101T000000Z")).toBe(0);
  });
});
