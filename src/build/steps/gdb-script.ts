import type { PublishedPort } from "../../engine/engine.js";
import { ARCHITECTURES } from "../../core/plan/architectures.js";
import { publishedAddress } from "../plan/gdb-plan.js";
import { editorScript, type GdbFacts, gdbScript } from "../plan/gdb-script.js";
import { FOLDER } from "../../core/plan/names.js";
import type { Plan } from "../plan/plan.js";
import { type Context, inProject } from "../../core/steps/context.js";
import { modulesOf } from "./module-store.js";
import { exportedTree } from "./source-record.js";

/** Records the gdbserver address of a VM that has started, and writes it to the current set's scripts. */
export async function recordGdbPort(
  ctx: Context,
  plan: Plan,
  port: PublishedPort | undefined,
): Promise<void> {
  const path = inProject(ctx, FOLDER.gdbAddress);
  if (port === undefined) await ctx.host.files.remove(path);
  else await ctx.host.files.writeAtomic(path, `${publishedAddress(port)}\n`);
  await writeGdbScripts(ctx, plan);
}

/** Removes the record when the VM has ended. */
export async function removeGdbPort(ctx: Context): Promise<void> {
  await ctx.host.files.remove(inProject(ctx, FOLDER.gdbAddress));
}

/**
 * Writes kdock.gdb and editor.gdb into the current set, and into the plan's if that is built and another one. Does nothing if
 * there is no set.
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

/** Python modules of the debugger's image, copied beside the scripts for a gdb on the host. */
function gdbModules(ctx: Context): [name: string, text: string][] {
  return [...ctx.assets]
    .filter(([path]) => path.startsWith(GDB_MODULES) && path.endsWith(".py"))
    .map(([path, { content }]) => [
      `${FOLDER.gdbModules}/${path.slice(GDB_MODULES.length)}`,
      Buffer.from(content).toString("utf8"),
    ]);
}

const GDB_MODULES = "images/gdb/kdock/";

/** Facts for gdb about a set, by default the current one; undefined before the first complete build. */
export async function gdbFacts(
  ctx: Context,
  plan: Plan,
  set = inProject(ctx, FOLDER.current),
): Promise<GdbFacts | undefined> {
  const { files } = ctx.host;
  const link = `${set}/kernel`;
  if (!(await files.exists(link))) return undefined;
  // Links resolved, so that the script keeps referring to this kernel.
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

/** The address of the VM that was started last, or else kdock.yaml's, which `kdock run --gdb` overrides. */
export async function lastGdbAddress(ctx: Context, plan: Plan): Promise<string | undefined> {
  const recorded = await ctx.host.files.readText(inProject(ctx, FOLDER.gdbAddress));
  return recorded?.trim() ?? plan.gdb.address;
}
