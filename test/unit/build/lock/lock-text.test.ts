import { describe, expect, it } from "vitest";
import { KdockError } from "../../../../src/core/errors.js";
import { EMPTY_LOCK, type Lock } from "../../../../src/build/lock/lock.js";
import { parseLock, printLock } from "../../../../src/build/lock/lock-text.js";
import { SAMPLE } from "./sample.js";

const TEXT = printLock(SAMPLE);
const LINES = TEXT.split("\n");
const END = "# end of kdock.lock";

/** The number of the only line that is this one, not counting indentation. */
function lineOf(line: string, nth = 1): number {
  const found = LINES.flatMap((text, index) => (text.trim() === line ? [index + 1] : []));
  const number = found[nth - 1];
  if (number === undefined) throw new Error(`"${line}" is ${found.length} times in\n${TEXT}`);
  return number;
}

/** The sample with this line's text in place of another; undefined removes the line. */
function edited(line: string, change: string | undefined, nth = 1): string {
  const index = lineOf(line, nth) - 1;
  const indent = /^ */.exec(LINES[index] ?? "")?.[0] ?? "";
  const put = change === undefined ? [] : change.split("\n").map((text) => `${indent}${text}`);
  return LINES.toSpliced(index, 1, ...put).join("\n");
}

function refusal(text: string): KdockError {
  try {
    parseLock(text, "kdock.lock");
  } catch (error) {
    if (error instanceof KdockError && error.code === "config") return error;
    throw error;
  }
  throw new Error(`accepted:\n${text}`);
}

function shuffled<T>(value: T): T {
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([name, inner]) => [name, shuffled(inner as unknown)]);
  return Object.fromEntries(entries.reverse()) as T;
}

function withOverlay(name: string, value: string): Lock {
  return { ...SAMPLE, stages: { rootfs: { inputs: { [`overlay ${name}`]: value } } } };
}

describe("printLock", () => {
  it.each([
    ["full", SAMPLE],
    ["empty", EMPTY_LOCK],
  ])("writes a %s lock that parses to the same lock", (_, lock) => {
    expect(parseLock(printLock(lock), "kdock.lock")).toEqual(lock);
    expect(printLock(parseLock(printLock(lock), "kdock.lock"))).toBe(printLock(lock));
  });

  it("writes the same text independent of order", () => {
    const other = shuffled(SAMPLE);
    expect(JSON.stringify(other)).not.toBe(JSON.stringify(SAMPLE));
    expect(printLock(other)).toBe(TEXT);
  });

  it("leaves out undefined values", () => {
    const stages = { rootfs: { inputs: {} } };
    const spelt = { rootfs: { inputs: {}, config: undefined } };
    expect(printLock({ ...SAMPLE, stages: spelt })).toBe(printLock({ ...SAMPLE, stages }));
  });

  it.each([
    ["", "empty"],
    ["no", "a boolean in YAML 1.1"],
    ["true", "a boolean"],
    ["1e5", "a number"],
    ["0123456789012345", "digits"],
    ["~", "null"],
    ["*x &y !z", "YAML syntax"],
    [" # end of kdock.lock", "a comment"],
    ["a: b", "a map"],
    ["a\nb", "two lines"],
    ["a\r\nb", "two lines with CRLF"],
    ["a\n=======\n<<<<<<< b\n", "conflict markers"],
    ["\u2028\u0085\ufeff\t\u0000", "invisible"],
    ["Grüße 🐧", "beyond ASCII"],
    ["word ".repeat(300), "long"],
  ])("keeps %j (%s) in names and values, also with CRLF", (odd) => {
    const lock = withOverlay(odd, odd);
    const text = printLock(lock);
    expect(parseLock(text, "kdock.lock")).toEqual(lock);
    expect(parseLock(text.replaceAll("\n", "\r\n"), "kdock.lock")).toEqual(lock);
  });

  it("writes one line per value", () => {
    const plain = printLock(withOverlay("name", "value")).split("\n");
    for (const odd of ["a\nb", `a\n${"b ".repeat(60)}\nc`, "word ".repeat(100)]) {
      expect(printLock(withOverlay(odd, odd)).split("\n")).toHaveLength(plain.length);
    }
  });

  it("changes only the lines of the entry that changed", () => {
    const gdb = { base: "trixie", time: "20261124T000000Z", packages: { gdb: "16.4-1" } } as const;
    const after = printLock({ ...SAMPLE, images: { ...SAMPLE.images, gdb } }).split("\n");
    const changed = after.flatMap((line, index) => (line === LINES[index] ? [] : [line.trim()]));
    expect(changed).toEqual([
      "gdb: 16.4-1",
      "time: 20261124T000000Z",
      expect.stringMatching(/^check: /),
    ]);
  });
});

describe("parseLock", () => {
  it("accepts CRLF and a missing newline at the end", () => {
    expect(parseLock(TEXT.replaceAll("\n", "\r\n"), "kdock.lock")).toEqual(SAMPLE);
    expect(parseLock(TEXT.trimEnd(), "kdock.lock")).toEqual(SAMPLE);
  });

  it("rejects a file that is truncated after any line", () => {
    const whole = LINES.indexOf(END);
    for (let count = 1; count <= whole; count += 1) {
      for (const end of ["\n", "", "\r\n"]) {
        const { message } = refusal(LINES.slice(0, count).join("\n") + end);
        expect(message).toBe(
          `kdock.lock:${count}: the file ends here, without "${END}": it was cut off`,
        );
      }
    }
  });

  it("rejects a file that is truncated within a line", () => {
    const text = printLock(EMPTY_LOCK);
    for (let length = 1; length < text.trimEnd().length; length += 1) {
      expect(refusal(text.slice(0, length)).message).toMatch(/^kdock\.lock:\d+: .*it was cut off$/);
    }
  });

  it.each(["", "\n", "\r\n", "  \n \n"])("rejects an empty file (%j)", (text) => {
    expect(refusal(text).message).toBe("kdock.lock:1: the file is empty");
  });

  it.each(["- one", "42", "word", "# only words", "null"])(
    "rejects %j, which is not a map",
    (text) => {
      expect(refusal(`${text}\n${END}\n`).message).toMatch(/^kdock\.lock:[12]: ./);
      expect(refusal(`${text}\n`).message).toMatch(/^kdock\.lock:[12]: the file ends here/);
    },
  );

  it.each([
    ["<<<<<<< HEAD", "======="],
    ["<<<<<<<", "======="],
    ["||||||| 1a2b3c4", ">>>>>>> theirs"],
    [">>>>>>> theirs", ""],
    ["=======", ""],
  ])("rejects a merge conflict (%s)", (mark, later) => {
    for (const end of ["\n", "\r\n"]) {
      const text = [...LINES.slice(0, 9), mark, "x", later, ...LINES.slice(9)].join(end);
      const { message, hint } = refusal(text);
      expect(message).toBe("kdock.lock:10: a merge conflict is not resolved here");
      expect(hint).toContain("git checkout --ours kdock.lock");
    }
  });

  it.each([
    ["an open quote", "base: trixie", 'base: "trixie'],
    ["a tab", "base: trixie", "\tbase: trixie"],
    ["a wrong indentation", "base: trixie", "base:\n trixie: x\n  y"],
    ["an open list", "base: trixie", "base: [trixie"],
    ["a second document", "images:", "---\nimages:"],
  ])("rejects broken YAML: %s", (_, line, change) => {
    const { message, hint } = refusal(edited(line, change));
    expect(message).toMatch(/^kdock\.lock:\d+: ./);
    expect(message).not.toMatch(/checksum|Invalid input/);
    expect(hint).toContain("kdock lock");
  });

  it("reports the line of broken YAML", () => {
    expect(refusal(edited("images:", "images: ]")).message).toMatch(
      new RegExp(`^kdock\\.lock:${lineOf("images:")}: .`),
    );
  });

  it.each([
    ["version: 6.12.48-1", "version: 6.12.48-2", "sources.kernel debian:6.12"],
    ["gdb: 16.3-1", "gdb: 16.3-2", "images.gdb"],
    ["from: bootstrap", "from: registry", "bases.trixie"],
    ["preset: debug", "preset: tiny", "stages.kernel"],
    ["preset: debug", undefined, "stages.kernel"],
    [`config: "${"5".repeat(64)}"`, undefined, "stages.kernel"],
    ["ipxe: 1.0.0+git-1~1", undefined, "images.vm"],
    ["ipxe: 1.0.0+git-1~1", "ipxe: 1.0.0+git-1~1\nipxe-qemu: 1-1", "images.vm"],
    [`images/apt/install.sh: "${"9".repeat(64)}"`, undefined, "files"],
    ["busybox release:1.37.0:", "busybox release:1.37.1:", "sources.busybox release:1.37.1"],
    ["kernel gcc-12:", "kernel gcc-11:", "images.kernel gcc-11"],
  ])("rejects an edit from %s to %s", (line, change, entry) => {
    const key = `${entry.slice(entry.indexOf(".") + 1)}:`;
    const text = edited(line, change);
    const { message } = refusal(text);
    expect(message).toMatch(
      /^kdock\.lock:\d+: [^\n]*: does not match its checksum: it was edited by hand, or merged$/,
    );
    expect(message).toContain(`: ${entry}: does not`);
    const at = Number(/:(\d+):/.exec(message)?.[1]);
    expect(text.split("\n")[at - 1]?.trim()).toBe(key);
  });

  it("reports every edited entry, and rejects a checksum that is missing or of another entry", () => {
    const checks = LINES.flatMap((line, index) => (/^ *check: /.test(line) ? [index] : []));
    const without = LINES.filter((_, index) => !checks.includes(index)).join("\n");
    expect(refusal(without).message.split("\n")).toHaveLength(checks.length);
    expect(checks).toHaveLength(2 + 5 + 2 + 3 + 1);
  });

  it.each([
    ["version: 6.12.48-1", "version: 6 12", "expected a Debian package version"],
    ["version: 6.12.48-1", "version: 6.12", "Invalid input: expected string, received number"],
    ["package: linux-source-6.12", "package: $(reboot)", "expected a Debian package name"],
    [`sha256: "${"3".repeat(64)}"`, "sha256: abc", "expected 64 hexadecimal digits in lower case"],
    ["from: bootstrap", "from: magic", 'Invalid option: expected one of "registry"|"bootstrap"'],
    [
      "signedBy: pinned:kdock",
      "signedBy: <me>",
      'expected "debian:FINGERPRINT", "pgp:FINGERPRINT" or "pinned:kdock"',
    ],
    ["version: 6.12.48-1", undefined, "Invalid input: expected string, received undefined"],
    ["sources:", "sources: 5\nother:", "Invalid input: expected record, received number"],
    ["format: 1", "format: 0", "Invalid input: expected 1"],
    ["format: 1", 'format: "1"', "Invalid input: expected 1"],
    ["format: 1", undefined, "Invalid input: expected 1"],
  ])("reports the error of %s as %s", (line, change, problem) => {
    const { message } = refusal(edited(line, change));
    expect(message).toMatch(/^kdock\.lock:\d+: ./);
    expect(message).toContain(problem);
    expect(message).not.toContain("checksum");
  });

  it("reports the line of an invalid value", () => {
    const text = edited("version: 6.12.48-1", "version: 6 12");
    expect(refusal(text).message).toBe(
      `kdock.lock:${lineOf("version: 6.12.48-1")}: sources.kernel debian:6.12.version: expected a Debian package version`,
    );
  });

  it.each([
    ["kdock: 0.1.0", "kdock: 0.1.0\nextra: 1", "extra"],
    ["from: bootstrap", "from: bootstrap\nextra: 1", "bases.trixie.extra"],
    ["signedBy: pinned:kdock", "signedBy: pinned:kdock\nextra: 1", "busybox release:1.37.0.extra"],
    ["trixie:", "sid:", "bases.sid"],
    ["rootfs:", "root:", "stages.root"],
  ])("rejects an unknown key, with its line: %s as %s", (line, change, path) => {
    const at = lineOf(line) + change.split("\n").length - 1;
    const { message } = refusal(edited(line, change));
    expect(message).toMatch(new RegExp(`^kdock\\.lock:${at}: `));
    expect(message.split("\n")[0]).toContain(`${path}: `);
  });

  it.each([
    ["kdock: 0.1.0", "kdock: 0.1.0\nkdock: 0.1.0"],
    ["gdb: 16.3-1", "gdb: 16.3-1\ngdb: 16.3-2"],
    ["rootfs:", "kernel: {}\nrootfs:"],
  ])("rejects a duplicate key: %s as %s", (line, change) => {
    const { message } = refusal(edited(line, change));
    expect(message).toMatch(/^kdock\.lock:\d+: .*unique/);
  });

  it.each(["images", "stages", "files"])("rejects a file without %s", (section) => {
    const from = lineOf(`${section}:`) - 1;
    const length = LINES.slice(from + 1).findIndex((line) => !line.startsWith(" ")) + 1;
    const { message } = refusal(LINES.toSpliced(from, length).join("\n"));
    expect(message).toMatch(
      new RegExp(`^kdock\\.lock:${lineOf("format: 1")}: ${section}: Invalid input`),
    );
  });

  it("rejects YAML aliases, defined or not", () => {
    const line = lineOf("kdock: 0.1.0");
    expect(refusal(edited("kdock: 0.1.0", "kdock: *x")).message).toMatch(
      new RegExp(`^kdock\\.lock:${line}: \\*x `),
    );
    const known = edited("kdock: 0.1.0", "kdock: &x 0.1.0").replace("from: bootstrap", "from: *x");
    expect(refusal(known).message).toMatch(/^kdock\.lock:\d+: \*x /);
  });

  it.each([
    ["alone", (text: string) => text],
    ["with other entries", (text: string) => text.replace("6.12.48-1", "6.12.48-2")],
    ["with other sections", (text: string) => text.replace("images:", "pictures:")],
    ["with another end", (text: string) => text.replace(END, "# fin")],
    ["with invalid YAML", (text: string) => text.replace("images:", "images: ]")],
  ])("rejects a newer format as such, %s", (_, change) => {
    const newer = edited("format: 1", "format: 2").replace("kdock: 0.1.0", "kdock: 0.9.0");
    const { message, hint } = refusal(change(newer));
    expect(message).toBe(
      `kdock.lock:${lineOf("format: 1")}: format 2 is newer than this kdock, which supports 1`,
    );
    expect(hint).toBe("Update kdock: the file was written by kdock 0.9.0.");
  });
});
