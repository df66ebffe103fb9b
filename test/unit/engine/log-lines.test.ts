import { expect, it } from "vitest";
import { LogLines } from "../../../src/engine/log-lines.js";

it.each<[string, string[], string[]]>([
  ["whole lines", ["a\nb\n"], ["a", "b"]],
  ["a line in pieces", ["a", "b", "c\n"], ["abc"]],
  ["a last line without an end", ["a\nb"], ["a", "b"]],
  ["empty lines", ["\n\na\n"], ["", "", "a"]],
  ["DOS line ends", ["a\r\nb\r\n"], ["a", "b"]],
  ["a progress bar's last state", ["10%\r50%\r100%\n"], ["100%"]],
])("%s", (_name, pieces, expected) => {
  const lines: string[] = [];
  const log = new LogLines((line) => lines.push(line));
  for (const piece of pieces) log.add(Buffer.from(piece));
  log.flush();
  expect(lines).toEqual(expected);
});

it("puts a character together that was cut", () => {
  const lines: string[] = [];
  const log = new LogLines((line) => lines.push(line));
  for (const byte of Buffer.from("grüß 😀\n")) log.add(Uint8Array.of(byte));
  expect(lines).toEqual(["grüß 😀"]);
});
