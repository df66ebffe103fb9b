import { resolve } from "node:path";
import type { CopyRequest } from "../plan/copy-request.js";
import { copyIn } from "./copy-in.js";
import { copyOut } from "./copy-out.js";
import { CopyProgress, type CopyResult } from "./copy-progress.js";
import { findGuest } from "./find-guest.js";
import type { GuestContext } from "./guest-context.js";
import { waitForGuest } from "./wait-for-guest.js";

/** Copies a file, a link or a folder between the host and the project's guest, either way. */
export async function copy(
  ctx: GuestContext,
  /** A VM's name; undefined means the one that runs. */
  wanted: string | undefined,
  { from, to }: CopyRequest,
  bootTimeoutSeconds: number,
): Promise<CopyResult> {
  const isIn = from.place === "host";
  const local = isIn ? from.path : to.path;
  // `resolve` drops what says most: a slash, or a dot, at the end.
  const onHost = `${resolve(ctx.cwd, local)}${/\/\.?\/*$|^\.$/.exec(local)?.[0] ?? ""}`;
  const vm = await findGuest(ctx, wanted);
  await using session = await waitForGuest(ctx, vm, { bootTimeoutSeconds });
  const progress = new CopyProgress(ctx);
  const { tell } = progress;
  let isWhole = false;
  try {
    const result = isIn
      ? await copyIn(ctx.files, session, onHost, to.path, tell)
      : await copyOut(ctx.files, session, from.path, onHost, tell);
    isWhole = true;
    return result;
  } finally {
    progress.end(isWhole);
  }
}
