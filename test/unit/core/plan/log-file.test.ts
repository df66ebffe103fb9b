import { gzipSync } from "node:zlib";
import { expect, it } from "vitest";
import { logFormat } from "../../../../src/core/plan/log-file.js";

it.each([
  ["a log", Buffer.from("[    0.000000] Linux version"), { kind: "text", encoding: "utf-8" }],
  ["nothing", Buffer.alloc(0), { kind: "text", encoding: "utf-8" }],
  ["a log of zeros", Buffer.alloc(64), { kind: "text", encoding: "utf-8" }],
  ["Latin-1", Buffer.from("caf\xe9", "latin1"), { kind: "text", encoding: "utf-8" }],
  [
    "UTF-16 of PowerShell",
    Buffer.from("\ufeff[ 1.0]", "utf16le"),
    { kind: "text", encoding: "utf-16le" },
  ],
  ["kern.log.2.gz", gzipSync("x"), { kind: "gzip" }],
  ["xz", Buffer.from("fd377a585a000004", "hex"), { kind: "packed", unpack: "xz -dc" }],
  ["zstd", Buffer.from("28b52ffd0458", "hex"), { kind: "packed", unpack: "zstd -dc" }],
  [
    "a vmcore",
    Buffer.from("\x7fELF\x02\x01\x01"),
    { kind: "memory", reader: "kdock crash --core" },
  ],
])("logFormat detects %s by its first bytes", (_name, head, format) => {
  expect(logFormat(head)).toEqual(format);
});
