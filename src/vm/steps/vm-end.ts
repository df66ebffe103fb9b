import { readTar } from "../../archive/read-tar.js";
import type { Container } from "../../engine/engine.js";
import { INSIDE } from "../../core/plan/names.js";
import { parseVmEnd, type VmEnd } from "../plan/vm-end.js";

/** How a VM's QEMU ended, or what has happened to it so far; undefined where QEMU was never started. */
export async function vmEnd(
  { signal }: { readonly signal: AbortSignal },
  container: Container,
): Promise<VmEnd | undefined> {
  const text = await smallFile(container, INSIDE.endRecord, signal);
  return text === undefined ? undefined : parseVmEnd(text);
}

/** What a file of ours in a VM's container has at most; QEMU's user, who writes it, may be the guest's by now. */
const MAX_BYTES = 4096;

/** A short file of a container that runs or has ended; undefined when there is none. */
export async function smallFile(
  container: Container,
  path: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  let text: string | undefined;
  try {
    await readTar(await container.getArchive(path, signal), async ({ type }, content) => {
      if (type !== "file") return;
      let bytes = Buffer.alloc(0);
      for await (const chunk of content) {
        if (bytes.length < MAX_BYTES) bytes = Buffer.concat([bytes, chunk]).subarray(0, MAX_BYTES);
      }
      text = bytes.toString("utf8");
    });
  } catch {
    signal.throwIfAborted();
  }
  return text;
}
