import { expect, it } from "vitest";
import { visible, visibleBytes, visibleJson } from "../../../src/ui/visible.js";

it.each([
  ["an escape sequence", "\u001b]0;title\u0007\u001b[2J", "\\x1b]0;title\\x07\\x1b[2J"],
  ["a carriage return", "safe\rother", "safe\\x0dother"],
  ["DEL and NUL", "a\u007fb\u0000", "a\\x7fb\\x00"],
  ["C1, which is CSI in one character", "\u009b2J\u0085", "\\u009b2J\\u0085"],
  ["bidirectional overrides", "a\u202eb\u2066c\u200f", "a\\u202eb\\u2066c\\u200f"],
  ["a line separator", "a\u2028b", "a\\u2028b"],
  ["half of a character", "a\ud83d", "a\\ud83d"],
])("visible escapes %s", (_what, text, expected) => {
  expect(visible(text)).toBe(expected);
  expect(visible(expected)).toBe(expected);
});

it("visible keeps text, tabs and line feeds", () => {
  expect(visible("a\tb\nGrüße 🐧 עברית\n")).toBe("a\tb\nGrüße 🐧 עברית\n");
});

it("visibleJson escapes the same characters, with the same value", () => {
  const value = { text: "\u001b[2J\u009b\u007f\u2028\u202e🐧", list: ["\n"] };
  const json = visibleJson(JSON.stringify(value));
  expect(json).toBe(visible(json));
  expect(JSON.parse(json)).toEqual(value);
});

async function shown(bytes: Buffer, size: number): Promise<string> {
  const stream = visibleBytes();
  for (let at = 0; at < bytes.length; at += size) stream.write(bytes.subarray(at, at + size));
  stream.end();
  let text = "";
  for await (const chunk of stream) text += String(chunk);
  return text;
}

it.each([1, 2, 3, 1000])("visibleBytes decodes chunks of %i bytes", async (size) => {
  const bytes = Buffer.concat([
    Buffer.from("Grüße 🐧\r\r\nnext\u009b\r"),
    Buffer.from([0x9b, 0xc3, 0x28, 0xed, 0xa0, 0x80, 0xf0, 0x9f]),
  ]);
  expect(await shown(bytes, size)).toBe(
    "Grüße 🐧\nnext\\u009b\\x0d\\x9b\\xc3(\\xed\\xa0\\x80\\xf0\\x9f",
  );
});
