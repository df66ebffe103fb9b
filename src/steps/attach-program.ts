import type { Duplex } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Context } from "./context.js";

/** A program in a container, as it is talked to. */
export interface Program {
  readonly stream: Duplex;
  readonly exit: Promise<number>;
  resize(size: { rows: number; columns: number }): Promise<void>;
}

/**
 * Joins the person's terminal and a program that has one of its own, until the program ends: every key is the program's,
 * Ctrl-C too. Without a terminal, kdock's stdin goes in, followed by `farewell`, because a container's stdin has no end.
 * Resolves with the exit code.
 */
export async function attachProgram(
  ctx: Context,
  program: Program,
  farewell: string,
): Promise<number> {
  const { stream } = program;
  ctx.reporter.pause();
  const shown = pipeline(stream, ctx.stdout, { end: false, signal: ctx.signal });
  // Its end is looked at below.
  shown.catch(() => undefined);
  if (ctx.terminal.isInteractive) {
    using raw = ctx.terminal.raw();
    const fit = () => {
      // A program that has just ended has no size any more.
      program.resize(ctx.terminal.size()).catch(() => undefined);
    };
    fit();
    raw.onResize(fit);
    raw.input.pipe(stream, { end: false });
    return await ended(ctx, program, shown);
  }
  if (ctx.stdin !== undefined) {
    pipeline(ctx.stdin, stream, { end: false, signal: ctx.signal }).then(
      () => stream.write(farewell),
      () => undefined,
    );
  }
  return await ended(ctx, program, shown);
}

async function ended(ctx: Context, program: Program, shown: Promise<void>): Promise<number> {
  const exitCode = await program.exit;
  await shown.catch(() => {
    ctx.signal.throwIfAborted();
  });
  return exitCode;
}
