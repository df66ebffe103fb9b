import type { Readable } from "node:stream";
import type { Container, ContainerInfo } from "../../engine/engine.js";
import { consoleFiles, consoleOwner, FOLDER } from "../../core/plan/names.js";
import type { Plan } from "../../build/plan/plan.js";
import { needsConsole, panicOf, parseVmEnd, type VmEnd } from "../plan/vm-end.js";
import { kernelKeyOf, type VmFacts } from "../plan/vm-facts.js";
import { type Context, inProject } from "../../core/steps/context.js";
import { HeadAndTail } from "../../core/steps/head-and-tail.js";
import { vmEnd } from "./vm-end.js";

/** What a guest has said, the key of its kernel, and why that panicked; undefined where it has not. */
export interface VmConsole {
  readonly lines: readonly string[];
  readonly kernelKey: string;
  readonly panic: string | undefined;
}

/** What of a console is kept in .kdock/logs. */
const SAVED = { head: 16 << 20, tail: 16 << 20 };
/** What of it is read line by line, by a person or by `decode`. */
const READ = { head: 4 << 20, tail: 4 << 20 };
/** What of it may tell how the VM ended: a kernel's report of a panic, and some lines before. */
export const END = { head: 0, tail: 1 << 20 };

/** The console outlives its container in .kdock/logs/console.log, or console-NAME.log. Resolves with its end. */
export async function saveConsole(
  ctx: Context,
  container: Container,
  { slot, kernelKey }: Pick<VmFacts, "slot" | "kernelKey">,
): Promise<VmConsole> {
  const end = await vmEnd(ctx, container);
  const said = await consoleOf(ctx, container, SAVED);
  const kept = consoleFiles(slot.name);
  const files: readonly (readonly [string, string | Buffer])[] = [
    [kept.log, said.text()],
    [kept.kernel, `${kernelKey}\n`],
    [kept.end, end === undefined ? "" : `${JSON.stringify(end)}\n`],
  ];
  for (const [path, content] of files) {
    await ctx.host.files.writeAtomic(inProject(ctx, path), content);
  }
  return told(said.end(END.tail), kernelKey, end);
}

/** All that a VM's guest has said so far. */
export async function vmConsole(ctx: Context, plan: Plan, vm: ContainerInfo): Promise<VmConsole> {
  const container = (await ctx.engine()).container(vm.id);
  const end = await vmEnd(ctx, container);
  const said = await consoleOf(ctx, container, READ);
  return told(said.text(), kernelKeyOf(vm.labels, plan), end);
}

/** Why a VM's kernel panicked; undefined where it has not. Its console is read only where it has. */
export async function panicOfVm(
  ctx: Pick<Context, "signal">,
  container: Container,
): Promise<string | undefined> {
  const end = await vmEnd(ctx, container);
  if (end === undefined || !(end.panicked || needsConsole(end))) return undefined;
  return panicOf(end, linesOfText((await consoleOf(ctx, container, END, END_LINES)).text()));
}

const END_LINES = 2000;

async function consoleOf(
  { signal }: Pick<Context, "signal">,
  container: Container,
  size: { readonly head: number; readonly tail: number },
  tail?: number,
): Promise<HeadAndTail> {
  const said = new HeadAndTail(size);
  const last = tail === undefined ? {} : { tail };
  const logs = await container.logs({ follow: false, ...last, signal });
  for await (const chunk of logs) said.add(chunk as Buffer);
  return said;
}

function told(text: Buffer, kernelKey: string, end: VmEnd | undefined): VmConsole {
  const lines = linesOfText(text);
  return { lines, kernelKey, panic: panicOf(end, lines) };
}

/** Of VMs whose consoles were kept. */
export async function savedNames(ctx: Context): Promise<string[]> {
  const folder = inProject(ctx, FOLDER.logs);
  if (!(await ctx.host.files.exists(folder))) return [];
  const files = await ctx.host.files.list(folder);
  return files.flatMap((file) => consoleOwner(file) ?? []);
}

/** The bytes of a console that was kept; undefined when there is none. */
export async function savedBytes(ctx: Context, vm: string): Promise<Readable | undefined> {
  const path = inProject(ctx, consoleFiles(vm).log);
  return (await ctx.host.files.exists(path)) ? ctx.host.files.readStream(path) : undefined;
}

/** The console of a VM that is gone; undefined when none was kept. */
export async function savedConsole(
  ctx: Context,
  plan: Plan,
  vm: string,
): Promise<VmConsole | undefined> {
  const { files } = ctx.host;
  const kept = consoleFiles(vm);
  const bytes = await savedBytes(ctx, vm);
  if (bytes === undefined) return undefined;
  const said = new HeadAndTail(READ);
  for await (const chunk of bytes) said.add(chunk as Buffer);
  const kernelKey = (await files.readText(inProject(ctx, kept.kernel)))?.trim();
  const end = await files.readText(inProject(ctx, kept.end));
  return told(said.text(), kernelKey ?? plan.kernel.key, parseVmEnd(end ?? ""));
}

/** A serial line ends its lines with a carriage return as well. */
export function linesOfText(text: string | Buffer): readonly string[] {
  const lines = text
    .toString("utf8")
    .split("\n")
    .map((line) => line.replace(/\r+$/, ""));
  return lines.at(-1) === "" ? lines.slice(0, -1) : lines;
}
