import type { Container } from "../../engine/engine.js";
import { onAbort } from "../on-abort.js";
import type { ContainerSpec } from "../plan/container-spec.js";
import type { Context } from "./context.js";
import { linesOf } from "./lines.js";

export interface ContainerRun {
  /** Before the start: files that go in. */
  readonly prepare?: (container: Container) => Promise<void>;
  /** stdout and stderr, line by line. */
  readonly onLine: (line: string) => void;
  /** Takes the files that the container leaves, before it is removed. Valid only after exit code 0. */
  readonly collectOutput?: (container: Container) => Promise<void>;
  /** Whether a line, or an event, reports that all files are written: they are taken while the container shuts down. */
  readonly isReady?: (line: string) => boolean;
  readonly ready?: Promise<void> | undefined;
}

/** Runs a container until it exits and removes it; resolves with its exit code. Removes a stale one of the same name first. */
export async function runContainer(
  ctx: Context,
  spec: ContainerSpec,
  { prepare, onLine, collectOutput, isReady, ready }: ContainerRun,
): Promise<number> {
  await removeStale(ctx, spec);
  const engine = await ctx.engine();
  await using container = await engine.createContainer(spec, ctx.signal);
  await prepare?.(container);
  let collected: Promise<void> | undefined;
  const collectOnce = () => (collected ??= collectOutput?.(container));
  // An error is reported only when the exit code says that the files are valid.
  const collectEarly = () => collectOnce()?.catch(() => undefined);
  let isOver = false;
  void ready?.then(() => (isOver ? undefined : collectEarly()));
  try {
    const exitCode = await runAndWait(ctx, container, (line) => {
      onLine(line);
      if (isReady?.(line) === true) void collectEarly();
    });
    if (exitCode === 0) await collectOnce();
    return exitCode;
  } catch (error) {
    // Removing the container ends the transfer.
    if (collected !== undefined) await container.remove().catch(() => undefined);
    throw error;
  } finally {
    isOver = true;
    // No file is written after the caller has removed the folder.
    await collected?.catch(() => undefined);
  }
}

/** Removes a build container of this name: its kdock has ended, since this one holds the project's lock. */
async function removeStale(ctx: Context, spec: ContainerSpec): Promise<void> {
  const engine = await ctx.engine();
  for (const { id, name } of await engine.listContainers(spec.labels)) {
    if (name !== spec.name) continue;
    ctx.reporter.emit({
      type: "notice",
      text: `removing ${name}, left by a build that was killed`,
    });
    await engine.container(id).remove();
  }
}

async function runAndWait(
  ctx: Context,
  container: Container,
  onLine: (line: string) => void,
): Promise<number> {
  const output = await container.attach();
  const exit = container.wait(ctx.signal);
  // Awaited below; a rejection before that must not count as unhandled.
  exit.catch(() => undefined);
  await container.start();
  using _interrupt = onAbort(ctx.signal, () => output.destroy());
  try {
    for await (const line of linesOf(output)) onLine(line);
  } finally {
    ctx.signal.throwIfAborted();
  }
  return await exit;
}
