import { KdockError } from "../errors.js";
import { orAborted } from "../or-aborted.js";
import { releaseIn } from "../plan/console-log.js";
import type { Project } from "../project.js";
import { artifactFolder } from "./artifact-store.js";
import { linesOfText } from "./console-log.js";
import type { Context } from "./context.js";
import { decodeLog } from "./decode.js";
import { linesOf } from "./lines.js";
import { lastConsole, likelyKernel } from "./logs.js";

export interface DecodedText {
  /** Of the kernel whose source lines these are. */
  readonly kernelKey: string;
  readonly lines: readonly string[];
}

/**
 * A log with source lines: of a file, of what is piped in ("-"), else of the project's last console. Rejects with a
 * `usage` error when there is none.
 */
export async function decodeText(
  { ctx, plan }: Project,
  { vm, path }: { readonly vm: string | undefined; readonly path: string | undefined },
): Promise<DecodedText> {
  const { lines, kernelKey } =
    path === undefined
      ? await lastConsole(ctx, plan, vm)
      : { lines: await given(ctx, path), kernelKey: await likelyKernel(ctx, plan, vm) };
  await checkRelease(ctx, kernelKey, lines);
  return { kernelKey, lines: await decodeLog(ctx, plan, kernelKey, lines) };
}

async function given(ctx: Context, file: string): Promise<readonly string[]> {
  if (file === "-") return await piped(ctx);
  const text = await ctx.host.files.readText(file);
  if (text !== undefined) return linesOfText(text);
  throw new KdockError("usage", `there is no file ${file}`, {
    hint: "Name a file with a kernel's log, or - for what is piped in.",
  });
}

async function piped({ stdin, signal }: Context): Promise<readonly string[]> {
  if (stdin === undefined) {
    throw new KdockError("usage", "nothing is piped into kdock decode -", {
      hint: "`dmesg | kdock decode -`, or name a file.",
    });
  }
  const lines: string[] = [];
  const all = async () => {
    for await (const line of linesOf(stdin)) lines.push(line);
  };
  await orAborted(signal, all());
  return lines;
}

/** Lines of another kernel's source are worse than none, but the user may know better. */
async function checkRelease(
  ctx: Context,
  kernelKey: string,
  lines: readonly string[],
): Promise<void> {
  const folder = artifactFolder(ctx, "kernel", kernelKey);
  const built = (await ctx.host.files.readText(`${folder}/kernel.release`))?.trim();
  const told = releaseIn(lines);
  if (built === undefined || told === undefined || told === built) return;
  const text = `the log is of Linux ${told}, and the source lines are of ${built}: they need not fit`;
  ctx.reporter.emit({ type: "warning", text });
}
