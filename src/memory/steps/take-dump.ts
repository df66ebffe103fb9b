import type { Container } from "../../engine/engine.js";
import { packTar } from "../../archive/tar.js";
import { KdockError } from "../../core/errors.js";
import { type Core, type CoreEvent, readCoreLine } from "../plan/core-event.js";
import { takeContainer } from "../plan/memory-plan.js";
import { DEBUGGER_UID, INSIDE } from "../../core/plan/names.js";
import type { Plan } from "../../build/plan/plan.js";
import type { Context } from "../../core/steps/context.js";
import { streamMemory } from "./dump-memory.js";
import { runContainer } from "../../core/steps/run-container.js";
import { runStep, type StepLog } from "../../core/steps/run-step.js";

/** Where a dump comes from: a running VM, or a file on the host. */
export type DumpSource =
  | {
      readonly kind: "vm";
      readonly id: string;
      readonly container: Container;
    }
  | { readonly kind: "file"; readonly path: string };

/** Fills the dump's volume; a VM's container sends directly to the receiving container. The caller holds the project's mutex. */
export async function takeDump(ctx: Context, plan: Plan, source: DumpSource): Promise<Core> {
  const title = source.kind === "vm" ? "the guest's memory" : source.path;
  return await runStep(ctx, "dump", title, async (log) => {
    const events: CoreEvent[] = [];
    // Ends the receiving container when sending fails.
    const failed = new AbortController();
    const inner = { ...ctx, signal: AbortSignal.any([ctx.signal, failed.signal]) };
    let sending: Promise<void> | undefined;
    const onLine = (line: string) => {
      const event = readCoreLine(line);
      if (event === undefined) log.line(line);
      else events.push(event);
      if (event?.event !== "listening" || source.kind !== "vm") return;
      sending = send(ctx, source, log);
      sending.catch((error: unknown) => {
        failed.abort(error);
      });
    };
    try {
      const vm = source.kind === "vm" ? source.id : undefined;
      const spec = takeContainer(plan.names, plan.gdbImage, { vm });
      const prepare = source.kind === "vm" ? {} : { prepare: uploadFrom(ctx, source.path) };
      await runContainer(inner, spec, { onLine, ...prepare });
      await sending;
    } catch (error) {
      ctx.signal.throwIfAborted();
      throw reportedError(events, source) ?? error;
    }
    return { value: coreOf(events, source), cached: false };
  });
}

async function send(
  ctx: Context,
  { container }: Extract<DumpSource, { kind: "vm" }>,
  log: StepLog,
): Promise<void> {
  const to = `ABSTRACT-CONNECT:${INSIDE.dumpSocket}`;
  await streamMemory(ctx, container, { format: "elf", to }, log, async (stream) => {
    // socat sends the dump elsewhere; the end of this stream is the end of the transfer.
    for await (const chunk of stream) log.line(String(chunk));
  });
}

function uploadFrom(ctx: Context, path: string) {
  return async (container: Container) => {
    const { files } = ctx.host;
    const size = (await files.status(path))?.sizeBytes ?? 0;
    const content = { size, open: () => files.readStream(path) };
    const given = INSIDE.dumpGiven.slice(INSIDE.dump.length + 1);
    await container.putArchive(
      INSIDE.dump,
      packTar([
        { path: given, kind: "file", mode: 0o666, uid: DEBUGGER_UID, gid: DEBUGGER_UID, content },
      ]),
    );
  };
}

function coreOf(events: readonly CoreEvent[], source: DumpSource): Core {
  const core = events.find((event) => event.event === "core");
  if (core !== undefined) return core;
  throw (
    reportedError(events, source) ??
    new KdockError("environment", "the dump could not be read", {
      hint: "The lines above say why.",
    })
  );
}

function reportedError(events: readonly CoreEvent[], source: DumpSource): KdockError | undefined {
  const error = events.find((event) => event.event === "error");
  if (error === undefined) return undefined;
  const what = source.kind === "file" ? source.path : "the guest's memory";
  switch (error.kind) {
    case "no-dump":
      return new KdockError(
        "usage",
        `${what} is not a dump of a kernel's memory: ${error.message}`,
        {
          hint: "`kdock dump FILE` writes one of the running VM.",
        },
      );
    case "full":
      return new KdockError("environment", "no space left on the engine's disk for the dump", {
        hint: "Free some space there, or remove old builds with `kdock clean`.",
      });
    case "broken":
      return new KdockError("environment", `the dump could not be read: ${error.message}`);
  }
}
