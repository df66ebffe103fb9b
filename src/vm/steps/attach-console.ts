import { once } from "node:events";
import { type Duplex, PassThrough } from "node:stream";
import type { Container } from "../../engine/engine.js";
import type { ConsoleState } from "../plan/console-state.js";
import { DETACH_BYTE } from "../plan/detach.js";
import { orAborted } from "../../core/or-aborted.js";
import { watchConsole, type ConsoleTail } from "./console-tail.js";
import type { Context } from "../../core/steps/context.js";
import { openGuestSession } from "./guest-session.js";

export type ConsoleEnd = "detached" | "ended";

/** Told once QEMU has started what the container's scripts said until then. */
export type OnQemu = (state: ConsoleState) => Promise<void>;

/**
 * Joins the person's terminal and a VM's console until the console ends or Ctrl-] is typed. Without a terminal the
 * console is only shown. The terminal is restored on every way out. With `onQemu` the console is read from its first byte,
 * and nothing of it is shown before that has resolved, or the console has ended without QEMU.
 */
export async function attachConsole(
  ctx: Context,
  container: Container,
  console: Duplex,
  onQemu?: OnQemu,
): Promise<{ end: ConsoleEnd; tail: ConsoleTail }> {
  ctx.reporter.pause();
  const copy = new PassThrough();
  const tail = watchConsole(copy, () => undefined);
  const begun =
    onQemu === undefined
      ? Promise.resolve()
      : tail.handedOver.then(() => (tail.state().isGuest ? onQemu(tail.state()) : undefined));
  const shown = show(ctx, console, copy, begun).then((): ConsoleEnd => "ended");
  if (!ctx.terminal.isInteractive) return { end: await orAborted(ctx.signal, shown), tail };

  await orAborted(ctx.signal, Promise.race([begun, shown]));
  using raw = ctx.terminal.raw();
  const typed = type(raw.input, console);
  using _size = followSize(ctx, container, raw);
  const end = await orAborted(ctx.signal, Promise.race([shown, typed]));
  return { end, tail };
}

async function show(
  ctx: Context,
  console: Duplex,
  copy: PassThrough,
  begun: Promise<void>,
): Promise<void> {
  const held: Buffer[] = [];
  let isBegun = false;
  const write = async (chunk: Buffer) => {
    // eslint-disable-next-line no-restricted-syntax -- a terminal for the guest
    if (!ctx.stdout.write(chunk)) await once(ctx.stdout, "drain", { signal: ctx.signal });
  };
  const released = begun.then(async () => {
    isBegun = true;
    for (const chunk of held) await write(chunk);
  });
  const read = async () => {
    try {
      for await (const chunk of console) {
        copy.write(chunk);
        if (!isBegun) held.push(chunk as Buffer);
        else {
          await released;
          await write(chunk as Buffer);
        }
        if (copy.writableNeedDrain) await once(copy, "drain", { signal: ctx.signal });
      }
    } catch (error) {
      // Ctrl-] and the end of the program close the console under the reader.
      if (!console.destroyed) throw error;
    } finally {
      copy.end();
    }
  };
  await Promise.all([read(), released]);
}

async function type(input: AsyncIterable<Buffer>, console: Duplex): Promise<ConsoleEnd> {
  for await (const chunk of input) {
    const detach = chunk.indexOf(DETACH_BYTE);
    if (detach >= 0) {
      console.write(chunk.subarray(0, detach));
      return "detached";
    }
    console.write(chunk);
  }
  // The terminal went away; the VM stays.
  return "detached";
}

/** A serial line carries no size: the agent sets it in the guest, now (when it is ready) and at every change. */
function followSize(
  ctx: Context,
  container: Container,
  raw: { onResize(listener: () => void): void },
): Disposable {
  const stop = new AbortController();
  const signal = AbortSignal.any([ctx.signal, stop.signal]);
  let last = Promise.resolve();
  const tell = async () => {
    try {
      await using session = await openGuestSession(container, { signal });
      session.resizeConsole(ctx.terminal.size());
    } catch {
      // No agent (an old kernel, a paused guest): the console works, at 80 columns.
    }
  };
  const queue = () => {
    last = last.then(tell);
  };
  queue();
  raw.onResize(queue);
  return {
    [Symbol.dispose]() {
      stop.abort();
    },
  };
}
