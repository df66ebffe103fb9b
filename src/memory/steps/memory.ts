import type { Duplex } from "node:stream";
import { packTar, type TarEntry } from "../../archive/tar.js";
import type { Engine } from "../../engine/engine.js";
import { KdockError } from "../../core/errors.js";
import { type EngineArchitecture, memoryTools } from "../../core/plan/architectures.js";
import { memoryContainer } from "../plan/memory-plan.js";
import { type MemoryTool } from "../../core/plan/architectures.js";
import { INSIDE, labels } from "../../core/plan/names.js";
import { type PlacedFile, placeFiles } from "../plan/placed-files.js";
import type { Plan } from "../../build/plan/plan.js";
import type { Project } from "../../build/project.js";
import { kernelKeyOf } from "../../vm/plan/vm-facts.js";
import { architectureBuilt, readCurrentManifest } from "../../core/steps/artifact-store.js";
import { attachProgram } from "../../core/steps/attach-program.js";
import { ensureImage } from "../../build/steps/builder-image.js";
import { type Context, projectMutex } from "../../core/steps/context.js";
import { dumpedKernel, requireReadable } from "./dumped-kernel.js";
import { ensureLocked } from "../../build/steps/lock.js";
import { withSymbols } from "../../debug/steps/session-container.js";
import { type DumpSource, takeDump } from "./take-dump.js";
import { terminalEnvironment } from "../../debug/steps/gdb.js";
import { findRunningVm } from "../../vm/steps/vms.js";

export interface MemoryOptions {
  /** A VM's name; undefined: the only one. */
  readonly vm: string | undefined;
  readonly tool: MemoryTool;
  /** Absolute path of a dump; undefined to dump the running VM. */
  readonly core: string | undefined;
  /** For the tool, as typed. */
  readonly args: readonly string[];
  /** Absolute paths by argument, for arguments that are host files. */
  readonly files: ReadonlyMap<string, string>;
}

/** Input that ends the tool when stdin is not a terminal. */
const QUIT_INPUT: Readonly<Record<MemoryTool, string>> = { drgn: "\nexit()\n", crash: "\nquit\n" };

/** Runs drgn or crash on a dump, and removes the dump's volume afterwards. Resolves with the tool's exit code. */
export async function runMemory(project: Project, options: MemoryOptions): Promise<number> {
  const { ctx } = project;
  await using session = await openMemory(await locked(project), options);
  return await attachProgram(ctx, session, QUIT_INPUT[options.tool]);
}

/** A lock that an older kdock wrote has no entries for these tools. */
async function locked(project: Project): Promise<Project> {
  await using _mutex = await projectMutex(project.ctx);
  return await ensureLocked(project);
}

interface MemorySession extends AsyncDisposable {
  readonly stream: Duplex;
  readonly exit: Promise<number>;
  resize(size: { rows: number; columns: number }): Promise<void>;
}

async function openMemory(
  { ctx, plan }: Project,
  { vm, tool, core, args, files }: MemoryOptions,
): Promise<MemorySession> {
  const engine = await ctx.engine();
  await requireNoOtherSession(engine, plan);
  const { source, kernelKey } = await sourceOf(ctx, plan, { vm, core });
  await requireTool(ctx, plan.engine, tool, kernelKey);
  if (source.kind === "vm") await requireReadable(ctx, kernelKey);
  await ensureImage(ctx, plan.gdbImage, { noCache: false });
  await engine.ensureVolume(plan.names.dumpVolume, labels("dump", plan.names.id));
  const dropDump = () => engine.removeVolume(plan.names.dumpVolume).catch(() => undefined);
  try {
    const key = await dumpedKernel(ctx, await takeLocked(ctx, plan, source), kernelKey);
    const { args: placedArgs, placed } = placeFiles(args, files);
    const terminal = ctx.terminal.isInteractive;
    const container = await withSymbols(ctx, plan, key, (symbols, volumes) =>
      memoryContainer(plan.names, plan.gdbImage, {
        ...{ tool, symbols, volumes, terminal, arguments: placedArgs },
        env: terminalEnvironment(ctx.terminal),
      }),
    );
    try {
      await container.putArchive(INSIDE.input, packTar(await contents(ctx, placed)));
      const stream = await container.attach();
      const exit = container.wait(ctx.signal);
      exit.catch(() => undefined);
      await container.start();
      return {
        stream,
        exit,
        resize: (size) => container.resize(size),
        async [Symbol.asyncDispose]() {
          stream.destroy();
          await container[Symbol.asyncDispose]();
          await dropDump();
        },
      };
    } catch (error) {
      await container[Symbol.asyncDispose]();
      throw error;
    }
  } catch (error) {
    await dropDump();
    throw error;
  }
}

/** Debian's crash reads dumps of the engine's architecture only. */
async function requireTool(
  ctx: Context,
  engine: EngineArchitecture,
  tool: MemoryTool,
  kernelKey: string,
): Promise<void> {
  const arch = await architectureBuilt(ctx, kernelKey);
  const able = memoryTools(arch, engine);
  if (able.includes(tool)) return;
  throw new KdockError("usage", `${tool} cannot read the memory of ${arch}`, {
    hint: `\`kdock ${able.join("` or `kdock ")}\` can.`,
  });
}

/** One session at a time: a dump has gigabytes, and the project one volume for it. Removes the remains of a killed session. */
async function requireNoOtherSession(engine: Engine, plan: Plan): Promise<void> {
  const sessions = await engine.listContainers(labels("memory", plan.names.id));
  const open = sessions.find(({ running }) => running);
  if (open !== undefined) {
    throw new KdockError("usage", `another drgn or crash is open: ${open.name} (${open.status})`, {
      hint: `Quit it, or end it with \`docker rm -f ${open.name}\`.`,
    });
  }
  for (const { id } of sessions) await engine.container(id).remove();
  for (const { name } of await engine.listVolumes(labels("dump", plan.names.id))) {
    await engine.removeVolume(name);
  }
}

/** Where the dump comes from, and the kernel to try first. */
async function sourceOf(
  ctx: Context,
  plan: Plan,
  { vm, core }: Pick<MemoryOptions, "vm" | "core">,
): Promise<{ source: DumpSource; kernelKey: string }> {
  if (core !== undefined) {
    const current = await readCurrentManifest(ctx, "kernel");
    return { source: await fileSource(ctx, core), kernelKey: current?.key ?? plan.kernel.key };
  }
  const { container, info } = await findRunningVm(ctx, plan, vm);
  const kernelKey = kernelKeyOf(info.labels, plan);
  return { source: { kind: "vm", id: info.id, container }, kernelKey };
}

async function fileSource(ctx: Context, path: string): Promise<DumpSource> {
  const { files } = ctx.host;
  if (!(await files.exists(path))) {
    throw new KdockError("usage", `there is no file ${path}`, {
      hint: "`kdock dump FILE` writes one of the running VM.",
    });
  }
  if (await files.isFolder(path)) {
    throw new KdockError("usage", `${path} is a folder`, { hint: "Name a dump." });
  }
  return { kind: "file", path };
}

async function takeLocked(ctx: Context, plan: Plan, source: DumpSource) {
  await using _mutex = await projectMutex(ctx);
  return await takeDump(ctx, plan, source);
}

async function contents(ctx: Context, placed: readonly PlacedFile[]): Promise<TarEntry[]> {
  return await Promise.all(
    placed.map(async ({ path, name }): Promise<TarEntry> => {
      const content = await ctx.host.files.readBytes(path);
      return { path: name, kind: "file", mode: 0o644, content };
    }),
  );
}
