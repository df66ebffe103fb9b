import { describe, expect, it } from "vitest";
import { bytesOfPath, fsPath, pathOfBytes, plainPath } from "../../../src/core/byte-path.js";

const latin1 = (text: string) => Buffer.from(text, "latin1");

describe("a path as a string", () => {
  it.each([
    ["plain/text", "plain/text"],
    ["caf\xc3\xa9", "caf\u00e9"],
    ["caf\xe9", "caf\udce9"],
    // Cut off in the middle of a character, and an encoded surrogate.
    ["\xe2\x82", "\udce2\udc82"],
    ["\xed\xb3\xa9x", "\udced\udcb3\udca9x"],
    ["\xf0\x90\x80\x80\xff", "\u{10000}\udcff"],
    ["\xef\xbb\xbfx\xff", "\ufeffx\udcff"],
    ["\xef\xbf\xbd", "\ufffd"],
  ])("converts %j losslessly", (bytes, path) => {
    expect(pathOfBytes(latin1(bytes))).toBe(path);
    expect(bytesOfPath(path).toString("latin1")).toBe(bytes);
  });

  it("is text for node:fs if it is UTF-8, and escaped for output", () => {
    expect(fsPath("caf\u00e9")).toBe("caf\u00e9");
    expect(fsPath("caf\udce9")).toEqual(latin1("caf\xe9"));
    expect(plainPath("caf\u00e9\\x")).toBe("caf\u00e9\\x");
    expect(plainPath("caf\udce9\\x")).toBe("./caf\\xe9\\\\x");
  });
});
