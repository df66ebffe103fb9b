import { gzipSync } from "node:zlib";
import { expect, it } from "vitest";
import { logFormat } from "../../../../src/core/plan/log-file.js";

it.each([
  ["a log", Buffer.from("[    0.000000] Linux version"), { kind: "text", encoding: "utf-8" }],
  ["nothing", Buffer.alloc(0), { kind: "text", encoding: "utf-8" }],
  ["zeros that a crash left", Buffer.alloc(64), { kind: "text", encoding: "utf-8" }],
  ["Latin-1", Buffer.from("caf\xe9", "latin1"), { kind: "text", encoding: "utf-8" }],
  [
    "what PowerShell writes",
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
])("tells %s by its first bytes", (_name, head, format) => {
  expect(logFormat(head)).toEqual(format);
});
