import { pipeline } from "node:stream/promises";
import { readTar } from "../../archive/read-tar.js";
import type { Container, ContainerInfo } from "../../engine/engine.js";
import { messageOf } from "../../core/errors.js";
import { FOLDER, INSIDE } from "../../core/plan/names.js";
import type { Plan } from "../../build/plan/plan.js";
import { kernelKeyOf, type VmFacts, vmFacts } from "../plan/vm-facts.js";
import { saveConsole } from "./console-log.js";
import { type Context, inProject } from "../../core/steps/context.js";
import { runStep } from "../../core/steps/run-step.js";
import { smallFile, vmEnd } from "./vm-end.js";
import { targetFile } from "../../core/steps/target-file.js";

/**
 * Brings the memory that a VM's container has kept of a guest that panicked to this machine, and resolves with where it
 * is; undefined where none was to be kept. A warning says why there is none although one was asked for.
 */
export async function takePanicDump(
  ctx: Context,
  container: Container,
  facts: VmFacts,
): Promise<string | undefined> {
  if (!facts.dumpOnPanic) return undefined;
  const archive = await container.getArchive(INSIDE.panicDump, ctx.signal).catch(() => undefined);
  if (archive === undefined) {
    ctx.signal.throwIfAborted();
    const why = await smallFile(container, INSIDE.panicWhy, ctx.signal);
    const text = `the guest's memory was not kept: ${why?.trim() ?? "the kernel has no driver for pvpanic (CONFIG_PVPANIC; from Linux 5.13 on CONFIG_PVPANIC_PCI)"}`;
    ctx.reporter.emit({ type: "warning", text });
    return undefined;
  }
  const path = facts.dumpTo ?? inProject(ctx, `${FOLDER.dumps}/${timeText(ctx.host.now())}.core`);
  return await runStep(ctx, "dump", "the guest's memory", async (log) => {
    const { files } = ctx.host;
    const temporary = await files.makeTemporary(path);
    let bytes = 0;
    try {
      archive.on("data", (chunk: Buffer) => {
        log.progress((bytes += chunk.length), undefined, "bytes", false);
      });
      await readTar(archive, async (_header, content) => {
        const file = await files.writeStream(`${temporary}/core`, 0o600);
        await pipeline(content, file, { signal: ctx.signal });
      });
      await files.replace(`${temporary}/core`, path);
      return { value: path, cached: false, summary: path };
    } finally {
      await files.remove(temporary);
    }
  });
}

/**
 * What outlives a VM that has ended: its console, and what it kept of a guest that panicked. Before it is removed. A console
 * that cannot be kept is no reason for the VM to stay.
 */
export async function keepRemains(ctx: Context, plan: Plan, vm: ContainerInfo): Promise<void> {
  const engine = await ctx.engine();
  const facts = vmFacts(vm.labels);
  const container = engine.container(vm.id);
  const kernelKey = kernelKeyOf(vm.labels, plan);
  if (await panickedAndSaved(ctx, container, { ...facts, kernelKey })) {
    await takePanicDump(ctx, container, facts);
  }
}

async function panickedAndSaved(
  ctx: Context,
  container: Container,
  facts: VmFacts,
): Promise<boolean> {
  try {
    return (await saveConsole(ctx, container, facts)).panic !== undefined;
  } catch (error) {
    ctx.signal.throwIfAborted();
    const text = `the console of ${facts.slot.name} was not kept: ${messageOf(error)}`;
    ctx.reporter.emit({ type: "warning", text });
    return (await vmEnd(ctx, container))?.panicked === true;
  }
}

/** 2026-11-23T15-08-38: sorts by time, and is a name everywhere. */
function timeText(milliseconds: number): string {
  return new Date(milliseconds).toISOString().slice(0, 19).replaceAll(":", "-");
}

/** Rejects with a `usage` error before a VM is started that could not keep its dump there. */
export async function checkDumpPath(ctx: Context, path: string): Promise<void> {
  await targetFile(ctx.host.files, path, {
    force: false,
    hint: "Name another file, or remove this one.",
  });
}
