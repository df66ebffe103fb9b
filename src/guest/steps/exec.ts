import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { GuestExec } from "../../vm/agent/frames.js";
import type { GuestCommand, GuestExit } from "../../vm/agent/command.js";
import { KdockError } from "../../core/errors.js";
import { DETACH_BYTE } from "../../vm/plan/detach.js";
import { findGuest } from "./find-guest.js";
import type { GuestContext } from "./guest-context.js";
import { waitForGuest } from "./wait-for-guest.js";
import { visible, writeText } from "../../ui/visible.js";

export interface ExecRequest {
  /** A VM's name; undefined: the one that runs. */
  readonly vm: string | undefined;
  readonly argv: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** Passes stdin on. */
  readonly input: boolean;
  /** Gives the command a terminal; with `input`, the person's own is joined to it. */
  readonly tty: boolean;
  readonly bootTimeoutSeconds: number;
}

const SIGINT = 2;
const SIGKILL = 9;

/** After Ctrl-C a command may tidy up for so long; a killed one is gone at once, unless the guest is paused. */
const INTERRUPT_MS = 1000;
const KILL_MS = 300;

/** Runs a command in the project's guest. Resolves with its exit code, 128 + N for signal N. */
export async function execInGuest(ctx: GuestContext, request: ExecRequest): Promise<number> {
  const joined = request.tty && request.input;
  let isRaw = false;
  const notify = (text: string) => {
    // A raw terminal does not go back to the first column by itself.
    // eslint-disable-next-line no-restricted-syntax -- and the way there is no text
    if (isRaw) ctx.stderr.write(`\r\n[kdock] ${visible(text)}\r\n`);
    else ctx.reporter.emit({ type: "notice", text });
  };
  const { bootTimeoutSeconds } = request;
  const patience = { bootTimeoutSeconds, notify, handlesInterrupt: true };
  await using session = await waitForGuest(ctx, await findGuest(ctx, request.vm), patience);
  ctx.reporter.pause();
  const command = session.exec(guestExec(ctx, request));
  try {
    isRaw = joined;
    const exit = joined ? await converse(ctx, command) : await run(ctx, command, request);
    isRaw = false;
    if (exit.kind === "signalled") return 128 + exit.signal;
    if (exit.error !== undefined) writeText(ctx.stderr, `kdock: ${exit.error}\n`);
    return exit.code;
  } catch (error) {
    ctx.signal.throwIfAborted();
    throw error;
  }
}

function guestExec(ctx: GuestContext, { argv, env, cwd, tty }: ExecRequest): GuestExec {
  return { argv, env, cwd, ...(tty ? { tty: ctx.terminal.size() } : {}) };
}

/** Without the person's terminal: streams in, streams out, and Ctrl-C is kdock's to pass on. */
async function run(
  ctx: GuestContext,
  command: GuestCommand,
  { input }: Pick<ExecRequest, "input">,
): Promise<GuestExit> {
  const shown = Promise.all([
    command.exit,
    pipeline(command.stdout, ctx.stdout, { end: false }),
    pipeline(command.stderr, ctx.stderr, { end: false }),
  ]);
  // stdin ends when it ends; nobody waits for it, because the command may not read it.
  if (input) pipeline(ctx.stdin, command.stdin).catch(() => undefined);
  else command.stdin.end();
  const interrupted = new AbortController();
  try {
    const exit = await Promise.race([
      shown.then(
        ([ended]) => ended,
        (error: unknown) => {
          // A reader that is lost ends the command as Ctrl-C does.
          if (!ctx.signal.aborted) throw error;
        },
      ),
      whenAborted(ctx.signal, interrupted.signal),
    ]);
    if (exit !== undefined) return exit;
  } finally {
    interrupted.abort();
  }
  shown.catch(() => undefined);
  await end(command);
  throw ctx.signal.reason;
}

/** As Ctrl-C would in the guest; who takes no notice is killed, and what it left behind is hung up on by the agent. */
async function end(command: GuestCommand): Promise<void> {
  const ended = command.exit.then(
    () => true,
    () => true,
  );
  command.signal(SIGINT);
  if (await Promise.race([ended, after(INTERRUPT_MS)])) return;
  command.signal(SIGKILL);
  await Promise.race([ended, after(KILL_MS)]);
}

async function after(ms: number): Promise<false> {
  await sleep(ms, undefined, { ref: false });
  return false;
}

function whenAborted(signal: AbortSignal, until: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    const done = () => {
      resolve(undefined);
    };
    if (signal.aborted) done();
    signal.addEventListener("abort", done, { once: true, signal: until });
  });
}

/** The person's terminal becomes the command's: every key is the guest's, but Ctrl-]. */
async function converse(ctx: GuestContext, command: GuestCommand): Promise<GuestExit> {
  using raw = ctx.terminal.raw();
  raw.onResize(() => {
    command.resize(ctx.terminal.size());
  });
  const shown = Promise.all([
    command.exit,
    pipeline(command.stdout, ctx.stdout, { end: false, signal: ctx.signal }),
    pipeline(command.stderr, ctx.stderr, { end: false, signal: ctx.signal }),
  ]).then(([ended]) => ended);
  const exit = await Promise.race([shown, type(raw.input, command)]);
  if (exit !== undefined) return exit;
  shown.catch(() => undefined);
  throw new KdockError("interrupted", "left; the command in the guest is hung up on");
}

/** Resolves when the person has typed Ctrl-], or the terminal went away. */
async function type(input: AsyncIterable<Buffer>, command: GuestCommand): Promise<undefined> {
  for await (const chunk of input) {
    const detach = chunk.indexOf(DETACH_BYTE);
    // Keys that a command has not read when it ends are nobody's.
    if (!command.stdin.destroyed) {
      command.stdin.write(detach < 0 ? chunk : chunk.subarray(0, detach));
    }
    if (detach >= 0) return;
  }
}
