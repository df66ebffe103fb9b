import { createHash } from "node:crypto";
import { MAX_CPIO_FILE } from "../../archive/cpio.js";
import { plainPath } from "../../core/byte-path.js";
import { KdockError } from "../../core/errors.js";
import type { FileNode } from "../../host/host.js";
import { scriptProblem } from "../plan/init-scripts.js";
import { AGENT_PROGRAM } from "../../core/plan/names.js";
import { guestMode, type OverlayEntry, type OverlayFile } from "../plan/overlay.js";
import type { EarlyContext } from "../../core/steps/context.js";

/** Bytes that the kernel reads to find the interpreter (BINPRM_BUF_SIZE). */
const HEAD_BYTES = 256;
const AGENT = Buffer.from(AGENT_PROGRAM);

/** Reads all entries of `rootfs.overlay`, whose value is `path`, with the digests of files. */
export async function readOverlay(
  ctx: EarlyContext,
  path: string,
  folder: string,
): Promise<OverlayEntry[]> {
  const entries: OverlayEntry[] = [];
  for (const node of await ctx.host.files.nodes(folder)) {
    ctx.signal.throwIfAborted();
    entries.push(await entryOf(node, `${path}/${plainPath(node.path)}`));
  }
  return entries;
}

async function entryOf(node: FileNode, shown: string): Promise<OverlayEntry> {
  const { path, kind, target, major, minor } = node;
  const mode = guestMode(node.mode);
  switch (kind) {
    case "directory":
    case "fifo":
      return { path, kind, mode };
    case "symlink":
      return { path, kind, target };
    case "character-device":
    case "block-device":
      return { path, kind, mode, major, minor };
    case "file":
      return { path, ...(await fileOf(node, mode, shown)) };
    case "socket":
      throw new KdockError("config", `rootfs.overlay: ${shown} is a socket`, {
        hint: "Remove it: in the guest no process would listen on it.",
      });
  }
}

async function fileOf(node: FileNode, mode: number, shown: string): Promise<OverlayFile> {
  const { path, sizeBytes: size, link, open } = node;
  if (size > MAX_CPIO_FILE) {
    throw new KdockError("config", `rootfs.overlay: ${shown} is larger than 4 GiB`, {
      hint: "An initramfs cannot hold it: share its folder (vm.shares), or put it on a disk (vm.disks).",
    });
  }
  const isScript = (mode & 0o111) !== 0 && /^etc\/init\.d\/[^/]+$/.test(path);
  const { kept, ...read } = await readFile(open(), isScript);
  if (isScript) checkScript("rootfs.overlay", shown, kept);
  const { sha256, head, namesAgent } = read;
  return { kind: "file", mode, content: { size, sha256, open }, link, head, namesAgent };
}

async function readFile(chunks: AsyncIterable<Uint8Array>, keeps: boolean) {
  const hash = createHash("sha256");
  const whole: Uint8Array[] = [];
  let head: Uint8Array = new Uint8Array();
  let namesAgent = false;
  // The agent's name may be split across two chunks.
  let before = Buffer.alloc(0);
  for await (const chunk of chunks) {
    hash.update(chunk);
    if (head.length < HEAD_BYTES) head = Buffer.concat([head, chunk]).subarray(0, HEAD_BYTES);
    const seam = Buffer.concat([before, chunk.subarray(0, AGENT.length)]);
    namesAgent ||=
      seam.includes(AGENT) ||
      Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).includes(AGENT);
    before = Buffer.from(chunk.subarray(-AGENT.length));
    if (keeps) whole.push(chunk);
  }
  return { sha256: hash.digest("hex"), head, namesAgent, kept: Buffer.concat(whole) };
}

/** Throws a `config` error for a script that the guest cannot run. */
export function checkScript(key: string, path: string, content: Uint8Array): void {
  const problem = scriptProblem(content);
  if (problem === undefined) return;
  throw new KdockError("config", `${key}: ${path} ${problem}`, {
    hint: `\`sed -i 's/\\r$//' ${path}\` fixes it; in git, \`*.sh text eol=lf\` in .gitattributes prevents it.`,
  });
}
