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
  /** Files that come out, while the container is still there. They count only after an exit code of 0. */
  readonly harvest?: (container: Container) => Promise<void>;
  /** When they are all there, by a line or otherwise: the container's last moments are as long as its first. */
  readonly isRipe?: (line: string) => boolean;
  readonly ripe?: Promise<void> | undefined;
}

/** Runs a container to its end and removes it; resolves with its exit code. One of its name that was left is removed. */
export async function runContainer(
  ctx: Context,
  spec: ContainerSpec,
  { prepare, onLine, harvest, isRipe, ripe }: ContainerRun,
): Promise<number> {
  await removeStale(ctx, spec);
  const engine = await ctx.engine();
  await using container = await engine.createContainer(spec, ctx.signal);
  await prepare?.(container);
  let harvested: Promise<void> | undefined;
  const reap = () => (harvested ??= harvest?.(container));
  // A failure is told when it is known that the files count.
  const reapEarly = () => reap()?.catch(() => undefined);
  let isOver = false;
  void ripe?.then(() => (isOver ? undefined : reapEarly()));
  try {
    const exitCode = await toItsEnd(ctx, container, (line) => {
      onLine(line);
      if (isRipe?.(line) === true) void reapEarly();
    });
    if (exitCode === 0) await reap();
    return exitCode;
  } catch (error) {
    // What it still hands over ends with it.
    if (harvested !== undefined) await container.remove().catch(() => undefined);
    throw error;
  } finally {
    isOver = true;
    // Nobody writes any more where the caller removes what there is.
    await harvested?.catch(() => undefined);
  }
}

/** The project's lock is ours, so a build container of this name that exists belongs to nobody alive. */
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

async function toItsEnd(
  ctx: Context,
  container: Container,
  onLine: (line: string) => void,
): Promise<number> {
  const output = await container.attach();
  const exit = container.wait(ctx.signal);
  // The rejection is looked at below; until then it must not count as unhandled.
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
