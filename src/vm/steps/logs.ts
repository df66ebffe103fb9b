import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ContainerInfo } from "../../engine/engine.js";
import { KdockError } from "../../core/errors.js";
import { DEFAULT_VM, labels } from "../../core/plan/names.js";
import type { Plan } from "../../build/plan/plan.js";
import { unknownVm } from "../plan/unknown-vm.js";
import { panicOf } from "../plan/vm-end.js";
import { kernelKeyOf } from "../plan/vm-facts.js";
import { isTerminal, visibleBytes } from "../../ui/visible.js";
import { chooseVm, factsOf, namesOf } from "./choose-vm.js";
import {
  END,
  linesOfText,
  savedBytes,
  savedConsole,
  savedNames,
  type VmConsole,
  vmConsole,
} from "./console-log.js";
import type { Context } from "../../core/steps/context.js";
import { HeadAndTail } from "../../core/steps/head-and-tail.js";
import { vmEnd } from "./vm-end.js";

/**
 * Writes what the guest has said on its console so far, and with `follow` goes on; of a VM that is gone, what was kept.
 * Resolves with the end of it where the kernel panicked while it was followed.
 */
export async function streamLogs(
  ctx: Context,
  plan: Plan,
  { vm: name, follow }: { readonly vm: string | undefined; readonly follow: boolean },
): Promise<VmConsole | undefined> {
  const vm = await vmOf(ctx, plan, name);
  if (vm === undefined) {
    const { panic } = await keptConsole(ctx, plan, name);
    const bytes = await savedBytes(ctx, name ?? DEFAULT_VM);
    if (bytes !== undefined) await show(ctx, bytes);
    tellPanic(ctx, panic);
    return undefined;
  }
  const container = (await ctx.engine()).container(vm.id);
  const said = await show(ctx, await container.logs({ follow, signal: ctx.signal }));
  const lines = linesOfText(said.text());
  const panic = panicOf(await vmEnd(ctx, container), lines);
  if (follow && vm.running && panic !== undefined) {
    return { lines, kernelKey: kernelKeyOf(vm.labels, plan), panic };
  }
  tellPanic(ctx, panic);
  return undefined;
}

/** Bytes as they are into a pipe or a file; on a terminal nothing that the guest wrote is obeyed. Resolves with their end. */
async function show(ctx: Context, bytes: Readable): Promise<HeadAndTail> {
  const said = new HeadAndTail(END);
  async function* seen() {
    for await (const chunk of bytes) {
      said.add(chunk as Buffer);
      yield chunk as Buffer;
    }
  }
  ctx.reporter.pause();
  const { signal } = ctx;
  if (isTerminal(ctx.stdout)) {
    await pipeline(seen, visibleBytes(), ctx.stdout, { end: false, signal });
  } else {
    await pipeline(seen, ctx.stdout, { end: false, signal });
  }
  return said;
}

function tellPanic(ctx: Context, reason: string | undefined): void {
  if (reason === undefined) return;
  const text = `the kernel panicked (${reason}): \`kdock decode\` prints this with source lines`;
  ctx.reporter.emit({ type: "notice", text });
}

/** What a VM (without a name, the project's), or the last one of its name that is gone, has left on its console. */
export async function lastConsole(
  ctx: Context,
  plan: Plan,
  name: string | undefined,
): Promise<VmConsole> {
  const vm = await vmOf(ctx, plan, name);
  return vm === undefined ? await keptConsole(ctx, plan, name) : await vmConsole(ctx, plan, vm);
}

/** Whose kernel a log most likely comes from that nobody tells more about. */
export async function likelyKernel(
  ctx: Context,
  plan: Plan,
  name: string | undefined,
): Promise<string> {
  return kernelKeyOf((await vmOf(ctx, plan, name))?.labels ?? {}, plan);
}

/** undefined for one that is gone. */
async function vmOf(
  ctx: Context,
  plan: Plan,
  name: string | undefined,
): Promise<ContainerInfo | undefined> {
  const engine = await ctx.engine();
  const vms = await engine.listContainers(labels("vm", plan.names.id));
  return chooseVm(
    vms.filter((vm) => name === undefined || factsOf(vm).slot.name === name),
    undefined,
  );
}

async function keptConsole(ctx: Context, plan: Plan, name: string | undefined): Promise<VmConsole> {
  const saved = await savedConsole(ctx, plan, name ?? DEFAULT_VM);
  if (saved !== undefined) return saved;
  if (name !== undefined) {
    throw unknownVm(name, await knownNames(ctx, plan));
  }
  throw new KdockError("usage", "this project has no VM, and none has left a console", {
    hint: "Start one with `kdock run`.",
  });
}

/** Of VMs that there are, and of those whose console is kept. */
async function knownNames(ctx: Context, plan: Plan): Promise<string[]> {
  const engine = await ctx.engine();
  const vms = await engine.listContainers(labels("vm", plan.names.id));
  return [...namesOf(vms), ...(await savedNames(ctx))];
}
