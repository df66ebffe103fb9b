import type { ContainerInfo } from "../engine/engine.js";
import { KdockError } from "../errors.js";
import { panicked, panicReason } from "../plan/console-log.js";
import { labels } from "../plan/names.js";
import type { Plan } from "../plan/plan.js";
import { kernelKeyOf } from "../plan/vm-plan.js";
import { linesOfText, savedConsole, type VmConsole, vmConsole } from "./console-log.js";
import type { Context } from "./context.js";

/**
 * Writes what the guest has said on its console so far, and with `follow` goes on; of a VM that is gone, what was kept.
 * Resolves with all of it where the kernel panicked while it was followed.
 */
export async function streamLogs(
  ctx: Context,
  plan: Plan,
  follow: boolean,
): Promise<VmConsole | undefined> {
  const vm = await newestVm(ctx, plan);
  if (vm === undefined) {
    const { lines } = await keptConsole(ctx, plan);
    ctx.reporter.pause();
    ctx.stdout.write(lines.map((line) => `${line}\n`).join(""));
    tellPanic(ctx, lines);
    return undefined;
  }
  const lines = await show(ctx, vm, follow);
  if (follow && vm.running && panicked(lines)) {
    return { lines, kernelKey: kernelKeyOf(vm.labels, plan) };
  }
  tellPanic(ctx, lines);
  return undefined;
}

async function show(ctx: Context, vm: ContainerInfo, follow: boolean) {
  const engine = await ctx.engine();
  const logs = await engine.container(vm.id).logs({ follow, signal: ctx.signal });
  ctx.reporter.pause();
  const chunks: Buffer[] = [];
  for await (const chunk of logs) {
    ctx.stdout.write(chunk as Buffer);
    chunks.push(chunk as Buffer);
  }
  return linesOfText(Buffer.concat(chunks));
}

function tellPanic(ctx: Context, lines: readonly string[]): void {
  const reason = panicReason(lines);
  if (reason === undefined) return;
  const text = `the kernel panicked (${reason}): \`kdock decode\` prints this with source lines`;
  ctx.reporter.emit({ type: "notice", text });
}

/** What the project's VM, or the last one that is gone, has left on its console. */
export async function lastConsole(ctx: Context, plan: Plan): Promise<VmConsole> {
  const vm = await newestVm(ctx, plan);
  return vm === undefined ? await keptConsole(ctx, plan) : await vmConsole(ctx, plan, vm);
}

/** Whose kernel a log most likely comes from that nobody tells more about. */
export async function likelyKernel(ctx: Context, plan: Plan): Promise<string> {
  return kernelKeyOf((await newestVm(ctx, plan))?.labels ?? {}, plan);
}

async function newestVm(ctx: Context, plan: Plan): Promise<ContainerInfo | undefined> {
  const engine = await ctx.engine();
  return (await engine.listContainers(labels("vm", plan.names.id)))[0];
}

async function keptConsole(ctx: Context, plan: Plan): Promise<VmConsole> {
  const saved = await savedConsole(ctx, plan);
  if (saved !== undefined) return saved;
  throw new KdockError("usage", "this project has no VM, and none has left a console", {
    hint: "Start one with `kdock run`.",
  });
}
