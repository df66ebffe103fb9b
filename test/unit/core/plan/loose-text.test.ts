import { describe, expect, it } from "vitest";
import { sha256 } from "../../../../src/core/plan/keys.js";
import { bytesOfText, isLoose, looseText } from "../../../../src/core/plan/loose-text.js";

describe("looseText", () => {
  it.each([
    ["ASCII", Buffer.from("plain\n")],
    ["UTF-8", Buffer.from("grün 🐧 \u{10ffff}\n")],
    ["Latin-1", Buffer.from("gr\xfcn\n", "latin1")],
    ["both", Buffer.concat([Buffer.from("grün\n"), Buffer.from("gr\xfcn \xe2\x82", "latin1")])],
    ["every byte", Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))],
    ["half a character, then a whole one", Buffer.from("\xf0\x9f\x90ü", "latin1")],
    ["encoded surrogates", Buffer.from("eda080edb080", "hex")],
    ["nothing", Buffer.alloc(0)],
  ])("is lossless for %s", (_name, bytes) => {
    expect(bytesOfText(looseText(bytes)).toString("hex")).toBe(bytes.toString("hex"));
  });

  it("is the text itself if that is UTF-8", () => {
    expect(looseText(Buffer.from("grün 🐧"))).toBe("grün 🐧");
    expect(isLoose("grün 🐧")).toBe(false);
  });

  it("keeps valid text around invalid bytes", () => {
    const text = looseText(Buffer.from("From: J\xf6rg <j@x>\nCONFIG_A=y\n", "latin1"));
    expect(text).toMatch(/^From: J.rg <j@x>\nCONFIG_A=y\n$/);
    expect(isLoose(text)).toBe(true);
  });

  it("has the sha256 of its bytes", () => {
    const [one, two] = ["J\xf6rg", "J\xfcrg"].map((text) => Buffer.from(text, "latin1"));
    expect(sha256(looseText(one ?? Buffer.alloc(0)))).toBe(sha256(one ?? ""));
    expect(sha256(looseText(one ?? Buffer.alloc(0)))).not.toBe(
      sha256(looseText(two ?? Buffer.alloc(0))),
    );
  });
});
