import type { PublishedPort } from "../../engine/engine.js";
import { ARCHITECTURES } from "../../core/plan/architectures.js";
import { publishedAddress } from "../plan/gdb-plan.js";
import { editorScript, type GdbFacts, gdbScript } from "../plan/gdb-script.js";
import { FOLDER } from "../../core/plan/names.js";
import type { Plan } from "../plan/plan.js";
import { type Context, inProject } from "../../core/steps/context.js";
import { modulesOf } from "./module-store.js";
import { exportedTree } from "./source-record.js";

/** Remembers where a VM that just started has its gdbserver, and says so in the current set's scripts. */
export async function noteGdbPort(
  ctx: Context,
  plan: Plan,
  port: PublishedPort | undefined,
): Promise<void> {
  const path = inProject(ctx, FOLDER.gdbAddress);
  if (port === undefined) await ctx.host.files.remove(path);
  else await ctx.host.files.writeAtomic(path, `${publishedAddress(port)}\n`);
  await writeGdbScripts(ctx, plan);
}

/** A VM that ended takes its address with it. */
export async function forgetGdbPort(ctx: Context): Promise<void> {
  await ctx.host.files.remove(inProject(ctx, FOLDER.gdbAddress));
}

/**
 * Writes kdock.gdb and editor.gdb beside the stages of the current set, and of the plan's where that is another one that
 * is built; nothing happens when there is no set.
 */
export async function writeGdbScripts(ctx: Context, plan: Plan): Promise<void> {
  const { files } = ctx.host;
  const folders = [FOLDER.current, `${FOLDER.out}/set/${plan.setKey}`];
  const there = folders.map((path) => inProject(ctx, path));
  const real = await Promise.all(
    there.map(async (path) => ((await files.exists(path)) ? files.realPath(path) : undefined)),
  );
  for (const set of new Set(real)) if (set !== undefined) await writeInto(ctx, plan, set);
}

async function writeInto(ctx: Context, plan: Plan, set: string): Promise<void> {
  const { files } = ctx.host;
  const facts = await gdbFacts(ctx, plan, set);
  if (facts === undefined) return;
  const texts = [
    ...gdbModules(ctx),
    [FOLDER.gdbScript, gdbScript(facts)],
    [FOLDER.editorScript, editorScript(facts)],
  ] as const;
  const write = async ([name, text]: (typeof texts)[number]) => {
    const path = `${set}/${name}`;
    if ((await files.readText(path)) !== text) await files.writeAtomic(path, text);
  };
  await Promise.all(texts.map(write));
}

/** What the debugger's container has in its image, a gdb on this machine finds beside its script. */
function gdbModules(ctx: Context): [name: string, text: string][] {
  return [...ctx.assets]
    .filter(([path]) => path.startsWith(GDB_MODULES) && path.endsWith(".py"))
    .map(([path, { content }]) => [
      `${FOLDER.gdbModules}/${path.slice(GDB_MODULES.length)}`,
      Buffer.from(content).toString("utf8"),
    ]);
}

const GDB_MODULES = "images/gdb/kdock/";

/** What there is to debug in a set, the current one without another; undefined before the first whole build. */
export async function gdbFacts(
  ctx: Context,
  plan: Plan,
  set = inProject(ctx, FOLDER.current),
): Promise<GdbFacts | undefined> {
  const { files } = ctx.host;
  const link = `${set}/kernel`;
  if (!(await files.exists(link))) return undefined;
  // By its real name, so that a script goes on meaning the kernel that it was written for.
  const kernel = await files.realPath(link);
  const commands = `${kernel}/vmlinux-gdb.py`;
  return {
    vmlinux: `${kernel}/vmlinux`,
    architecture: ARCHITECTURES[plan.arch].gdbArch,
    kernelCommands: (await files.exists(commands)) ? commands : undefined,
    modules: await files.exists(`${kernel}/modules`),
    ownModules: await modulesOf(ctx, kernel.split("/").at(-1) ?? ""),
    gdbModules: `${await files.realPath(set)}/${FOLDER.gdbModules}`,
    source: await exportedTree(ctx, plan),
    address: await lastGdbAddress(ctx, plan),
    scripts: plan.gdb.scripts,
  };
}

/** Of the last VM that started here. It wins over kdock.yaml, because `kdock run --gdb` wins over it, too. */
export async function lastGdbAddress(ctx: Context, plan: Plan): Promise<string | undefined> {
  const remembered = await ctx.host.files.readText(inProject(ctx, FOLDER.gdbAddress));
  return remembered?.trim() ?? plan.gdb.address;
}
