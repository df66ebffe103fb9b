import type { Duplex } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Context } from "./context.js";

/** A program in a container, as it is talked to. */
export interface Program {
  readonly stream: Duplex;
  /** What is to be seen of what it says; all of it unless given. */
  readonly output?: AsyncIterable<Uint8Array>;
  readonly exit: Promise<number>;
  resize(size: { rows: number; columns: number }): Promise<void>;
}

/**
 * Joins the person's terminal and a program that has one of its own, until the program ends: every key is the program's,
 * Ctrl-C too. Without a terminal, kdock's stdin goes in, followed by the line `farewell`, because a container's stdin has no end.
 * Resolves with the exit code.
 */
export async function attachProgram(
  ctx: Context,
  program: Program,
  farewell: string,
): Promise<number> {
  const { stream } = program;
  ctx.reporter.pause();
  const shown = pipeline(program.output ?? stream, ctx.stdout, { end: false, signal: ctx.signal });
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
    const typed = inLines(ctx.stdin, farewell);
    pipeline(typed, stream, { end: false, signal: ctx.signal }).catch(() => undefined);
  }
  return await ended(ctx, program, shown);
}

/** The farewell is a line of its own; an empty line before it would have gdb repeat the last command. */
async function* inLines(
  input: AsyncIterable<Uint8Array>,
  farewell: string,
): AsyncGenerator<Uint8Array> {
  let last: number | undefined;
  for await (const chunk of input) {
    last = chunk.at(-1) ?? last;
    yield chunk;
  }
  yield Buffer.from(last === undefined || last === NEWLINE ? farewell : `\n${farewell}`);
}

const NEWLINE = 0x0a;

async function ended(ctx: Context, program: Program, shown: Promise<void>): Promise<number> {
  const exitCode = await program.exit;
  await shown.catch(() => {
    ctx.signal.throwIfAborted();
  });
  return exitCode;
}
