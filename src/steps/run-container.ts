import type { Container } from "../engine/engine.js";
import type { ContainerSpec } from "../plan/container-spec.js";
import type { Context } from "./context.js";
import { linesOf } from "./lines.js";

export interface ContainerRun {
  /** Before the start: files that go in. */
  readonly prepare?: (container: Container) => Promise<void>;
  /** stdout and stderr, line by line. */
  readonly onLine: (line: string) => void;
  /** After an exit code of 0, while the container is still there: files that come out. */
  readonly harvest?: (container: Container) => Promise<void>;
}

/** Runs a container to its end and removes it; resolves with its exit code. One of its name that was left is removed. */
export async function runContainer(
  ctx: Context,
  spec: ContainerSpec,
  { prepare, onLine, harvest }: ContainerRun,
): Promise<number> {
  await removeStale(ctx, spec);
  const engine = await ctx.engine();
  await using container = await engine.createContainer(spec, ctx.signal);
  await prepare?.(container);
  const exitCode = await toItsEnd(ctx, container, onLine);
  if (exitCode === 0) await harvest?.(container);
  return exitCode;
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
  const interrupt = () => output.destroy();
  ctx.signal.addEventListener("abort", interrupt, { once: true });
  try {
    for await (const line of linesOf(output)) onLine(line);
  } finally {
    ctx.signal.removeEventListener("abort", interrupt);
    ctx.signal.throwIfAborted();
  }
  return await exit;
}
