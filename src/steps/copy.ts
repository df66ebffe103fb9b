import { resolve } from "node:path";
import type { CopyRequest } from "../plan/copy-request.js";
import { copyIn } from "./copy-in.js";
import { copyOut } from "./copy-out.js";
import { CopyProgress, type CopyResult } from "./copy-progress.js";
import type { GuestCall } from "./dial-guest.js";
import type { GuestContext } from "./guest-context.js";
import { openGuestLine } from "./guest-line.js";

/** Copies a file, a link or a folder between the host and the project's guest, either way. */
export async function copy(
  ctx: GuestContext,
  call: GuestCall,
  { from, to }: CopyRequest,
  bootTimeoutSeconds: number,
): Promise<CopyResult> {
  const isIn = from.place === "host";
  const local = isIn ? from.path : to.path;
  // `resolve` drops what says most: a slash, or a dot, at the end.
  const onHost = `${resolve(ctx.cwd, local)}${/\/\.?\/*$|^\.$/.exec(local)?.[0] ?? ""}`;
  const say = (text: string) => {
    ctx.reporter.emit({ type: "notice", text });
  };
  await using line = await openGuestLine(ctx, call, bootTimeoutSeconds, say);
  const onInterrupt = () => {
    line.session.close();
  };
  ctx.signal.addEventListener("abort", onInterrupt);
  const progress = new CopyProgress(ctx);
  try {
    ctx.signal.throwIfAborted();
    const { session } = line;
    const { tell } = progress;
    const result = isIn
      ? await copyIn(ctx.files, session, onHost, to.path, tell)
      : await copyOut(ctx.files, session, from.path, onHost, tell);
    progress.end(true);
    return result;
  } catch (error) {
    progress.end(false);
    throw await line.explain(error);
  } finally {
    ctx.signal.removeEventListener("abort", onInterrupt);
  }
}
