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
  /** The kernel that the source lines are from. */
  readonly kernelKey: string;
  readonly lines: readonly string[];
}

/**
 * Adds source lines to a log: a file, stdin ("-"), or else the console of the project's last VM. Rejects with a `usage`
 * error when there is none.
 */
export async function decodeText(
  { ctx, plan }: Project,
  { vm, path }: { readonly vm: string | undefined; readonly path: string | undefined },
): Promise<DecodedText> {
  const { lines, kernelKey } =
    path === undefined
      ? await lastConsole(ctx, plan, vm)
      : { lines: await readLog(ctx, path), kernelKey: await likelyKernel(ctx, plan, vm) };
  await checkRelease(ctx, kernelKey, lines);
  const decoded = await decodeLog(ctx, plan, kernelKey, lines);
  for (const text of decodeWarnings(decoded.report, kernelKey)) {
    ctx.reporter.emit({ type: "warning", text });
  }
  return { kernelKey, lines: decoded.lines };
}

async function readLog(ctx: Context, file: string): Promise<readonly string[]> {
  if (file === "-") return logLines(await readStdin(ctx), "stdin", "-");
  const { files } = ctx.host;
  if (await files.isFolder(file)) throw noLog(`${file} is a folder`);
  if (!(await files.exists(file))) throw noLog(`there is no file ${file}`);
  return logLines(await logBytes(files.readStream(file), file), file, file);
}

function noLog(message: string): KdockError {
  return new KdockError("usage", message, {
    hint: "Name a file with a kernel log, or - for stdin.",
  });
}

async function readStdin({ stdin, signal }: Context): Promise<Buffer> {
  if (stdin === undefined) {
    throw new KdockError("usage", "kdock decode - needs a log on stdin", {
      hint: "Pipe one in: `dmesg | kdock decode -`, or name a file.",
    });
  }
  return await orAborted(signal, logBytes(stdin, "stdin"));
}

/** Larger than a kernel log gets; fits into the memory of kdock and gdb. */
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

/** Throws a `usage` error for anything but text or gzipped text. `file`: for the command in the hint. */
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
      throw new KdockError("usage", `${shown} is not a kernel log: it is binary`, {
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
      hint: "It has a gzip header: check that the file is complete.",
    });
  }
}

/** Warns when the log is of another release than the kernel. */
async function checkRelease(
  ctx: Context,
  kernelKey: string,
  lines: readonly string[],
): Promise<void> {
  const folder = artifactFolder(ctx, "kernel", kernelKey);
  const built = (await ctx.host.files.readText(`${folder}/kernel.release`))?.trim();
  const logged = releaseIn(lines);
  if (built === undefined || logged === undefined || logged === built) return;
  const text = `the log is of Linux ${logged}, but the source lines are of ${built}: they may be wrong`;
  ctx.reporter.emit({ type: "warning", text });
}
