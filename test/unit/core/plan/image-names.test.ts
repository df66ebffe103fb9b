import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  imageNames,
  NAMED_IMAGES,
  type NamedImage,
} from "../../../../src/core/plan/image-names.js";

const read = (path: string) => readFileSync(path, "utf8");

/** [KDOCK_TAP, tap0] and so on. */
function namesOf(image: NamedImage): [name: string, value: string][] {
  return [...imageNames(image).matchAll(/^export (\w+)=(.*)$/gm)].map(
    ([, name = "", value = ""]) => [name, value],
  );
}

/** An image's scripts without names.sh and comments; host-net.pl's taps and bridges are the host's. */
function codeOf(image: NamedImage): Map<string, string> {
  const scripts = readdirSync(`images/${image}`).filter((name) => /\.(?:sh|pl)$/.test(name));
  return new Map(
    scripts
      .filter((name) => name !== "names.sh")
      .map((name) => [name, read(`images/${image}/${name}`).replace(/(?:^|\s)#.*$/gm, "")]),
  );
}

describe.each(NAMED_IMAGES)("images/%s/names.sh", (image) => {
  it("is what `npm run names` writes", () => {
    expect(read(`images/${image}/names.sh`)).toBe(imageNames(image));
  });

  it("has values without shell metacharacters, and unique names", () => {
    const names = namesOf(image);
    expect(names.length).toBeGreaterThan(3);
    for (const [, value] of names) expect(value).toMatch(/^[\w./:-]+$/);
    expect(new Set(names.map(([name]) => name)).size).toBe(names.length);
  });

  it.each(namesOf(image))("gives %s to scripts that do not say %s themselves", (name, value) => {
    const scripts = codeOf(image);
    const texts = [...scripts.values()];
    expect(texts.some((text) => text.includes(name))).toBe(true);
    // Numbers are compared in the tests of exit codes.
    if (/^\d+$/.test(value)) return;
    const whole = new RegExp(`(?<![\\w./-])${value.replaceAll(".", "\\.")}(?![\\w.-])`);
    const own = image === "vm" ? ["host-net.pl"] : [];
    for (const [script, text] of scripts) {
      if (!own.includes(script)) expect(text, script).not.toMatch(whole);
    }
  });
});

it("scripts exit only with generated codes, 0, 1 and those of signals", () => {
  for (const image of NAMED_IMAGES) {
    for (const [script, text] of codeOf(image)) {
      const codes = [...text.matchAll(/\bexit (\d+)/g)].map(([, code]) => Number(code));
      // gdb-port.sh without a task, and run-qemu.pl without QEMU, which no caller distinguishes.
      const left = codes.filter((code) => code > 1 && code < 127 && script !== "gdb-port.sh");
      expect(left, script).toEqual([]);
    }
  }
});
