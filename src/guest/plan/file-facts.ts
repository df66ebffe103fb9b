import type { Header } from "tar-stream";

/** What `stat` said of a file, which is true except for the size. */
export interface FileFacts {
  readonly path: string;
  /** null for what tar has no word for: a socket. */
  readonly type: Header["type"] | null;
  readonly mode: number;
  readonly modified: Date;
  readonly links: number;
  readonly inode: string;
  readonly size: number;
}

const FORMATS: Readonly<Record<number, Header["type"]>> = {
  0o04: "directory",
  0o10: "file",
  0o12: "symlink",
  0o02: "character-device",
  0o06: "block-device",
  0o01: "fifo",
};

/** A line of the list that `GIVE_GENERATED` prints: "81a4 1700000000 1 21:7 4096 ./path"; undefined for any other. */
export function parseFileFacts(line: string): FileFacts | undefined {
  const [, raw = "", time = "", links = "", inode = "", size = "", path = ""] =
    /^([\da-f]+) (-?\d+) (\d+) (\d+:\d+) (\d+) \.\/?(.*)$/s.exec(line) ?? [];
  if (raw === "") return undefined;
  const mode = parseInt(raw, 16);
  return {
    ...{ path, inode, links: Number(links), size: Number(size) },
    ...{ type: FORMATS[mode >> 12] ?? null, mode: mode & 0o777 },
    modified: new Date(Number(time) * 1000),
  };
}

/** The header that an archive would have for it. */
export function headerOf(
  { path, mode, type }: Pick<FileFacts, "path" | "mode" | "type">,
  linkname = "",
): Header {
  return { name: `./${path}`, mode, type, linkname } as Header;
}

/**
 * Why a file could not be read, from what its reader said: "cat: can't open './f': Permission denied" → "Permission
 * denied".
 */
export function reasonIn(said: string): string {
  const line = said.trimEnd().split("\n").at(-1) ?? "";
  return line.split(": ").at(-1) ?? line;
}
