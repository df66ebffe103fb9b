import type { Readable } from "node:stream";
import { gunzipSync } from "node:zlib";
import { KdockError, messageOf } from "../../core/errors.js";
import { orAborted } from "../../core/or-aborted.js";
import { releaseIn } from "../../vm/plan/console-log.js";
import { decodeWarnings } from "../../vm/plan/decode-report.js";
import { logFormat } from "../../core/plan/log-file.js";
import type { Project } from "../../build/project.js";
import { artifactFolder } from "../../core/steps/artifact-store.js";
import { linesOfText } from "../../vm/steps/console-log.js";
import type { Context } from "../../core/steps/context.js";
import { decodeLog } from "../../vm/steps/decode.js";
import { lastConsole, likelyKernel } from "../../vm/steps/logs.js";

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
  const decoded = await decodeLog(ctx, plan, kernelKey, lines);
  for (const text of decodeWarnings(decoded.report, kernelKey)) {
    ctx.reporter.emit({ type: "warning", text });
  }
  return { kernelKey, lines: decoded.lines };
}

async function given(ctx: Context, file: string): Promise<readonly string[]> {
  if (file === "-") return logLines(await piped(ctx), "what is piped in", "-");
  const { files } = ctx.host;
  if (await files.isFolder(file)) throw noLog(`${file} is a folder`);
  if (!(await files.exists(file))) throw noLog(`there is no file ${file}`);
  return logLines(await logBytes(files.readStream(file), file), file, file);
}

function noLog(message: string): KdockError {
  return new KdockError("usage", message, {
    hint: "Name a file with a kernel's log, or - for what is piped in.",
  });
}

async function piped({ stdin, signal }: Context): Promise<Buffer> {
  if (stdin === undefined) {
    throw new KdockError("usage", "nothing is piped into kdock decode -", {
      hint: "`dmesg | kdock decode -`, or name a file.",
    });
  }
  return await orAborted(signal, logBytes(stdin, "what is piped in"));
}

/** More than a kernel's log has, and less than gdb and we have room for. */
const MAX_LOG_MIB = 32;
const MAX_LOG_BYTES = MAX_LOG_MIB << 20;

async function logBytes(log: Readable, shown: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of log) {
    bytes += (chunk as Uint8Array).length;
    if (bytes > MAX_LOG_BYTES) throw tooLong(shown);
    chunks.push(Buffer.from(chunk as Uint8Array));
  }
  return Buffer.concat(chunks);
}

function tooLong(shown: string): KdockError {
  return new KdockError("usage", `${shown} has more than ${MAX_LOG_MIB} MiB`, {
    hint: `\`tail -c ${MAX_LOG_MIB}M FILE | kdock decode -\` reads its end.`,
  });
}

/** Rejects with a `usage` error for what is no text and no gzip of one. `file`: as a command names it. */
function logLines(bytes: Buffer, shown: string, file: string): readonly string[] {
  const format = logFormat(bytes);
  switch (format.kind) {
    case "text":
      return linesOfText(new TextDecoder(format.encoding).decode(bytes));
    case "gzip":
      return linesOfText(unpacked(bytes, shown));
    case "packed":
      throw new KdockError("usage", `${shown} is compressed`, {
        hint: `\`${format.unpack} ${file === "-" ? "FILE" : file} | kdock decode -\``,
      });
    case "memory":
      throw new KdockError("usage", `${shown} is no text with a kernel's log`, {
        hint: `\`${format.reader} ${file === "-" ? "FILE" : file}\` reads it.`,
      });
  }
}

function unpacked(bytes: Buffer, shown: string): Buffer {
  try {
    return gunzipSync(bytes, { maxOutputLength: MAX_LOG_BYTES });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") throw tooLong(shown);
    throw new KdockError("usage", `${shown} cannot be unpacked: ${messageOf(error)}`, {
      cause: error,
      hint: "It begins as gzip files do: a whole one is needed.",
    });
  }
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
