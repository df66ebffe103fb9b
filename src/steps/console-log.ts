import type { Container, ContainerInfo } from "../engine/engine.js";
import { consoleFiles } from "../plan/names.js";
import type { Plan } from "../plan/plan.js";
import { kernelKeyOf, type VmFacts } from "../plan/vm-facts.js";
import { type Context, inProject } from "./context.js";

/** What a guest has said, and the key of its kernel. */
export interface VmConsole {
  readonly lines: readonly string[];
  readonly kernelKey: string;
}

/** The console outlives its container in .kdock/logs/console.log, or console-NAME.log. Resolves with its lines. */
export async function saveConsole(
  ctx: Context,
  id: string,
  { seat, kernelKey }: Pick<VmFacts, "seat" | "kernelKey">,
): Promise<readonly string[]> {
  const engine = await ctx.engine();
  const bytes = await consoleOf(ctx, engine.container(id));
  const kept = consoleFiles(seat.name);
  await ctx.host.files.writeAtomic(inProject(ctx, kept.log), bytes);
  await ctx.host.files.writeAtomic(inProject(ctx, kept.kernel), `${kernelKey}\n`);
  return linesOfText(bytes);
}

/** All that a VM's guest has said so far. */
export async function vmConsole(ctx: Context, plan: Plan, vm: ContainerInfo): Promise<VmConsole> {
  const engine = await ctx.engine();
  const lines = linesOfText(await consoleOf(ctx, engine.container(vm.id)));
  return { lines, kernelKey: kernelKeyOf(vm.labels, plan) };
}

export async function consoleOf(ctx: Context, container: Container): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const logs = await container.logs({ follow: false, signal: ctx.signal });
  for await (const chunk of logs) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** The console of a VM that is gone; undefined when none was kept. */
export async function savedConsole(
  ctx: Context,
  plan: Plan,
  vm: string,
): Promise<VmConsole | undefined> {
  const { files } = ctx.host;
  const kept = consoleFiles(vm);
  const log = inProject(ctx, kept.log);
  if (!(await files.exists(log))) return undefined;
  const bytes = Buffer.from(await files.readBytes(log));
  const kernelKey = (await files.readText(inProject(ctx, kept.kernel)))?.trim();
  return { lines: linesOfText(bytes), kernelKey: kernelKey ?? plan.kernel.key };
}

/** A serial line ends its lines with a carriage return as well. */
export function linesOfText(text: string | Buffer): readonly string[] {
  const lines = text
    .toString("utf8")
    .split("\n")
    .map((line) => line.replace(/\r+$/, ""));
  return lines.at(-1) === "" ? lines.slice(0, -1) : lines;
}
