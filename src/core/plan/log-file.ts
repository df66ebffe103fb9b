/** The format of a file with a kernel's log, by its first bytes. */
export type LogFormat =
  | { readonly kind: "text"; readonly encoding: "utf-8" | "utf-16le" | "utf-16be" }
  | { readonly kind: "gzip" }
  /** `unpack`: the command that decompresses it to stdout. */
  | { readonly kind: "packed"; readonly unpack: string }
  /** `reader`: the command that reads it. */
  | { readonly kind: "memory"; readonly reader: string };

const PACKED: readonly (readonly [string, string])[] = [
  ["fd377a585a00", "xz -dc"],
  ["28b52ffd", "zstd -dc"],
  ["425a68", "bzip2 -dc"],
  ["04224d18", "lz4 -dc"],
];
const DUMP = "kdock crash --core";
const MEMORY: readonly (readonly [string, string])[] = [
  ["7f454c46", DUMP],
  [Buffer.from("KDUMP   ").toString("hex"), DUMP],
  // systemd's journal.
  [Buffer.from("LPKSHHRH").toString("hex"), "journalctl --dmesg --file"],
];

/** All other bytes count as text: a log cut off by a crash may hold zeros, and one of a serial port noise. */
export function logFormat(head: Uint8Array): LogFormat {
  const hex = Buffer.from(head.subarray(0, 8)).toString("hex");
  const find = (table: readonly (readonly [string, string])[]) =>
    table.find(([magic]) => hex.startsWith(magic))?.[1];
  if (hex.startsWith("1f8b")) return { kind: "gzip" };
  const unpack = find(PACKED);
  if (unpack !== undefined) return { kind: "packed", unpack };
  const reader = find(MEMORY);
  if (reader !== undefined) return { kind: "memory", reader };
  if (hex.startsWith("fffe")) return { kind: "text", encoding: "utf-16le" };
  if (hex.startsWith("feff")) return { kind: "text", encoding: "utf-16be" };
  return { kind: "text", encoding: "utf-8" };
}
