import { createHash } from "node:crypto";
import type { Readable } from "node:stream";
import type { Header } from "tar-stream";
import { FROM_MMDEBSTRAP } from "./archive-source.js";
import { readTar } from "./read-tar.js";

/** Files that only depend on the mirror. */
const MIRROR_FILES = "etc/apt/sources.list";

/**
 * A sha256 over the entries of a root file system's tar, independent of their order, of extra headers of the tar program, and of
 * the Debian mirror. Rejects as `readTar` does.
 */
export async function tarFingerprint(archive: Readable): Promise<string> {
  const lines = new Map<string, string>();
  await readTar(
    archive,
    async (header, content) => {
      const path = plainPath(header.name);
      // Also for ignored files: the archive continues only when the content is read.
      const sha256 = await digestOf(content);
      if (!path.startsWith(MIRROR_FILES)) lines.set(path, line(path, header, sha256));
    },
    FROM_MMDEBSTRAP,
  );
  const hash = createHash("sha256");
  for (const path of [...lines.keys()].sort()) hash.update(`${lines.get(path)}\n`);
  return hash.digest("hex");
}

/** "./etc/", "etc/" and "etc" are the same folder; the root is "". */
export function plainPath(name: string): string {
  return name.replace(/^(?:\.?\/)+|^\.$/, "").replace(/\/+$/, "");
}

function line(path: string, header: Header, sha256: string): string {
  const { type, mode, uid, gid, size, mtime, linkname } = header;
  const seconds = Math.floor(mtime.getTime() / 1000);
  const target = type === "link" ? plainPath(linkname) : type === "symlink" ? linkname : "";
  return JSON.stringify([path, type, mode, uid, gid, size, seconds, target, sha256]);
}

async function digestOf(content: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of content) hash.update(chunk);
  return hash.digest("hex");
}
