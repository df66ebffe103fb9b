import { KdockError } from "../../core/errors.js";
import { ARCHITECTURES, debuggerOn } from "../../core/plan/architectures.js";
import type { Editor } from "../../core/plan/choices.js";
import type { IdeFacts } from "../plan/ide-facts.js";
import { type EntryFile, mergeEntries } from "../plan/merge-entries.js";
import { vscodeFiles } from "../plan/vscode.js";
import { devcontainerFiles, MARK, nvimFiles, type WholeFile } from "../plan/whole-files.js";
import type { Plan } from "../../build/plan/plan.js";
import type { Project } from "../../build/project.js";
import { COMPILE_COMMANDS } from "../plan/source-export.js";
import { type Context, inProject } from "../../core/steps/context.js";
import { lastGdbAddress } from "../../build/steps/gdb-script.js";
import { type GdbAddress, gdbAddressOf } from "../../debug/steps/gdb-address.js";
import { hostDebugger } from "../../debug/steps/host-debugger.js";
import { exportedTree } from "../../build/steps/source-record.js";

export interface IdeRequest {
  readonly editor: Editor;
  /** The VM that the editor attaches to; undefined: the only one, or the one started last. */
  readonly vm: string | undefined;
  /** Overwrite files that kdock did not write. */
  readonly force: boolean;
  /** Global flags of kdock, for the commands in the files. */
  readonly flags: readonly string[];
  /** The folder that kdock is installed in. */
  readonly kdockRoot: string;
}

export interface WrittenFile {
  /** Relative to the project. */
  readonly path: string;
  readonly state: "written" | "updated" | "unchanged" | "left alone";
}

/** Writes an editor's files into the project. In files that the user edits, too, only kdock's entries change. */
export async function writeIdeFiles(
  project: Project,
  request: IdeRequest,
): Promise<readonly WrittenFile[]> {
  const { ctx } = project;
  const { vm, flags } = request;
  const gdb = vm === undefined ? await lastVmGdb(project) : await gdbAddressOf(project, vm);
  switch (request.editor) {
    case "vscode":
      return vscode(project, request, gdb);
    case "nvim":
      return wholeFiles(ctx, nvimFiles({ folder: ctx.folder, flags, vm }), request);
    case "devcontainer":
      return wholeFiles(ctx, devcontainerFiles(request.kdockRoot), request);
  }
}

async function vscode(
  project: Project,
  request: IdeRequest,
  gdb: GdbAddress,
): Promise<readonly WrittenFile[]> {
  const { ctx, plan } = project;
  const facts = await ideFacts(project, request, gdb);
  const written: WrittenFile[] = [];
  // All files are read before the first is written: an invalid one leaves all unchanged.
  const changes = await Promise.all(
    vscodeFiles(facts).map(async (file) => ({
      file,
      change: await entryChange(ctx, file, request),
    })),
  );
  for (const { file, change } of changes) written.push(await write(ctx, file.path, change));
  await reportMissing(ctx, plan, facts);
  return written;
}

async function lastVmGdb({ ctx, plan }: Project): Promise<GdbAddress> {
  return { address: await lastGdbAddress(ctx, plan), fixed: plan.gdb.address };
}

async function ideFacts(
  { ctx, plan }: Project,
  { vm, flags }: IdeRequest,
  { address, fixed }: GdbAddress,
): Promise<IdeFacts> {
  if (address === undefined) throw unknownPort(vm);
  const source = await exportedTree(ctx, plan);
  const row = ARCHITECTURES[plan.arch];
  return {
    folder: ctx.folder,
    flags,
    vm,
    address,
    fixedAddress: fixed,
    source,
    hasCompileCommands:
      source !== undefined && (await ctx.host.files.exists(`${source.source}/${COMPILE_COMMANDS}`)),
    debugger: (await hostDebugger(ctx, row)) ?? debuggerOn(ctx.host.machine, plan.arch),
    compiler: String(plan.kernel.inputs["toolchain"]).split("-")[0] ?? "gcc",
    intelliSense: row.intelliSense,
    sourceArch: row.sourceArch,
    scripts: plan.gdb.scripts,
  };
}

function unknownPort(vm: string | undefined): KdockError {
  const [what, run, key] =
    vm === undefined
      ? ["the gdb port is not known yet", "", "gdb.listen"]
      : [`the gdb port of the VM ${vm} is not known yet`, ` --name ${vm}`, `vms.${vm}.gdb`];
  return new KdockError("usage", what, {
    hint: `Start one with \`kdock run -d${run}\`, or set a port other than 0 in ${key}.`,
  });
}

async function reportMissing(ctx: Context, plan: Plan, facts: IdeFacts): Promise<void> {
  const notice = (text: string) => {
    ctx.reporter.emit({ type: "notice", text });
  };
  const row = ARCHITECTURES[plan.arch];
  if ((await hostDebugger(ctx, row)) === undefined) {
    notice(
      `no gdb on this machine supports ${row.gdbArch}: install ${facts.debugger} for the C/C++ extension; CodeLLDB and \`kdock gdb\` do not need it`,
    );
  }
  if (facts.source === undefined) {
    notice(
      "without source files the editor shows assembly: run `kdock source export linux --compile-commands`, then this command again",
    );
  }
  if (facts.fixedAddress === undefined) {
    const key = facts.vm === undefined ? "gdb.listen has" : `vms.${facts.vm}.gdb has no port, or`;
    notice(`${key} port 0: run this command again after each \`kdock run\``);
  }
}

interface Change {
  readonly before: string | undefined;
  readonly after: string;
}

async function entryChange(ctx: Context, file: EntryFile, { force }: IdeRequest): Promise<Change> {
  const before = await ctx.host.files.readText(inProject(ctx, file.path));
  try {
    return { before, after: mergeEntries(file, before) };
  } catch (error) {
    if (force) return { before, after: mergeEntries(file, undefined) };
    throw error;
  }
}

async function wholeFiles(
  ctx: Context,
  files: readonly WholeFile[],
  { force }: IdeRequest,
): Promise<readonly WrittenFile[]> {
  const written: WrittenFile[] = [];
  for (const { path, text, optional } of files) {
    const before = await ctx.host.files.readText(inProject(ctx, path));
    const isOurs = before === undefined || (before.split("\n")[0] ?? "").includes(MARK);
    if (isOurs || (force && !optional)) {
      written.push(await write(ctx, path, { before, after: text }));
    } else if (optional) written.push({ path, state: "left alone" });
    else {
      throw new KdockError("usage", `${path} exists and was not written by kdock`, {
        hint: "Move it away, or overwrite it with --force.",
      });
    }
  }
  return written;
}

async function write(ctx: Context, path: string, { before, after }: Change): Promise<WrittenFile> {
  if (before === after) return { path, state: "unchanged" };
  await ctx.host.files.writeAtomic(inProject(ctx, path), after);
  return { path, state: before === undefined ? "written" : "updated" };
}
