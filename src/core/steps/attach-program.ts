import type { Duplex } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Context } from "./context.js";

/** A program that runs in a container. */
export interface Program {
  readonly stream: Duplex;
  /** The part of its output to show; by default all of it. */
  readonly output?: AsyncIterable<Uint8Array>;
  readonly exit: Promise<number>;
  resize(size: { rows: number; columns: number }): Promise<void>;
}

/**
 * Connects the terminal to a program that has a pseudo-terminal, until the program ends; all keys are passed to the program,
 * Ctrl-C too. Without a terminal, passes kdock's stdin and then the line `quitLine`, because a container's stdin is not closed.
 * Resolves with the exit code.
 */
export async function attachProgram(
  ctx: Context,
  program: Program,
  quitLine: string,
): Promise<number> {
  const { stream } = program;
  ctx.reporter.pause();
  const shown = pipeline(program.output ?? stream, ctx.stdout, { end: false, signal: ctx.signal });
  // Awaited below.
  shown.catch(() => undefined);
  if (ctx.terminal.isInteractive) {
    using raw = ctx.terminal.raw();
    const fit = () => {
      // Fails if the program has just ended.
      program.resize(ctx.terminal.size()).catch(() => undefined);
    };
    fit();
    raw.onResize(fit);
    raw.input.pipe(stream, { end: false });
    return await ended(ctx, program, shown);
  }
  if (ctx.stdin !== undefined) {
    const typed = inLines(ctx.stdin, quitLine);
    pipeline(typed, stream, { end: false, signal: ctx.signal }).catch(() => undefined);
  }
  return await ended(ctx, program, shown);
}

/** Ends the last line first, if it is not ended; an empty line would make gdb repeat the last command. */
async function* inLines(
  input: AsyncIterable<Uint8Array>,
  quitLine: string,
): AsyncGenerator<Uint8Array> {
  let last: number | undefined;
  for await (const chunk of input) {
    last = chunk.at(-1) ?? last;
    yield chunk;
  }
  yield Buffer.from(last === undefined || last === NEWLINE ? quitLine : `\n${quitLine}`);
}

const NEWLINE = 0x0a;

async function ended(ctx: Context, program: Program, shown: Promise<void>): Promise<number> {
  const exitCode = await program.exit;
  await shown.catch(() => {
    ctx.signal.throwIfAborted();
  });
  return exitCode;
}
