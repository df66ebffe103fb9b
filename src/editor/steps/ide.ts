import { KdockError } from "../../core/errors.js";
import { ARCHITECTURES, debuggerOn } from "../../core/plan/architectures.js";
import type { Editor } from "../../core/plan/choices.js";
import type { IdeFacts } from "../plan/ide-facts.js";
import { type EntryFile, mergeEntries } from "../plan/merge-entries.js";
import { vscodeFiles } from "../plan/vscode.js";
import { devcontainerFiles, MARK, nvimFiles, type WholeFile } from "../plan/whole-files.js";
import type { Plan } from "../../build/plan/plan.js";
import { COMPILE_COMMANDS } from "../plan/source-export.js";
import { type Context, inProject } from "../../core/steps/context.js";
import { lastGdbAddress } from "../../build/steps/gdb-script.js";
import { hostDebugger } from "../../debug/steps/host-debugger.js";
import { exportedTree } from "../../build/steps/source-record.js";

export interface IdeRequest {
  readonly editor: Editor;
  /** Overwrites what is not kdock's. */
  readonly force: boolean;
  /** Words between `kdock` and a command. */
  readonly flags: readonly string[];
  /** Where this kdock is installed. */
  readonly kdockRoot: string;
}

export interface WrittenFile {
  /** Relative to the project. */
  readonly path: string;
  readonly state: "written" | "updated" | "unchanged" | "left alone";
}

/** Writes an editor's files into the project. Of files that are shared with a person only kdock's entries change. */
export async function writeIdeFiles(
  ctx: Context,
  plan: Plan,
  request: IdeRequest,
): Promise<readonly WrittenFile[]> {
  switch (request.editor) {
    case "vscode":
      return vscode(ctx, plan, request);
    case "nvim":
      return wholeFiles(ctx, nvimFiles({ folder: ctx.folder, flags: request.flags }), request);
    case "devcontainer":
      return wholeFiles(ctx, devcontainerFiles(request.kdockRoot), request);
  }
}

async function vscode(
  ctx: Context,
  plan: Plan,
  request: IdeRequest,
): Promise<readonly WrittenFile[]> {
  const facts = await ideFacts(ctx, plan, request.flags);
  const written: WrittenFile[] = [];
  // All of them are read before the first is written: one that is refused leaves everything as it was.
  const changes = await Promise.all(
    vscodeFiles(facts).map(async (file) => ({
      file,
      change: await entryChange(ctx, file, request),
    })),
  );
  for (const { file, change } of changes) written.push(await write(ctx, file.path, change));
  await sayWhatIsMissing(ctx, plan, facts);
  return written;
}

async function ideFacts(ctx: Context, plan: Plan, flags: readonly string[]): Promise<IdeFacts> {
  const address = await lastGdbAddress(ctx, plan);
  if (address === undefined) {
    throw new KdockError("usage", "the gdb port is not known yet", {
      hint: "Start one with `kdock run -d`, or give gdb.listen a port other than 0.",
    });
  }
  const source = await exportedTree(ctx, plan);
  const row = ARCHITECTURES[plan.arch];
  return {
    folder: ctx.folder,
    flags,
    address,
    fixedAddress: plan.gdb.address,
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

async function sayWhatIsMissing(ctx: Context, plan: Plan, facts: IdeFacts): Promise<void> {
  const notice = (text: string) => {
    ctx.reporter.emit({ type: "notice", text });
  };
  const row = ARCHITECTURES[plan.arch];
  if ((await hostDebugger(ctx, row)) === undefined) {
    notice(
      `no gdb on this machine knows ${row.gdbArch}, which the C/C++ extension needs: install ${facts.debugger}; CodeLLDB and \`kdock gdb\` do without`,
    );
  }
  if (facts.source === undefined) {
    notice(
      "without source files the editor shows assembler: `kdock source export linux --compile-commands`, then this command again",
    );
  }
  if (facts.fixedAddress === undefined) {
    notice("gdb.listen has port 0: after each `kdock run`, this command again");
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
      throw new KdockError("usage", `${path} is there already, and not of kdock's making`, {
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
