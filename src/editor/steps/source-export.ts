import { packTar } from "../../archive/tar.js";
import type { Container, Engine } from "../../engine/engine.js";
import { KdockError } from "../../core/errors.js";
import { INSIDE, labels } from "../../core/plan/names.js";
import type { Plan } from "../../build/plan/plan.js";
import {
  COMPILE_COMMANDS,
  editorCompileCommands,
  exportContainer,
  exportKey,
  type ExportRequest,
  type FoundSource,
  foundSource,
  isKernelSource,
} from "../plan/source-export.js";
import { EXPORT_MARKER, exportedObjects } from "../../build/plan/exported-tree.js";
import { ensureImage } from "../../build/steps/builder-image.js";
import { type Context, projectMutex } from "../../core/steps/context.js";
import { checkExportFolder, exportedKey } from "./export-folder.js";
import { extractFolder } from "../../build/steps/extract.js";
import { writeGdbScripts } from "../../build/steps/gdb-script.js";
import { COLLECT_EXIT } from "../../core/plan/script-exits.js";
import { runContainer } from "../../core/steps/run-container.js";
import { runStep, type StepLog } from "../../core/steps/run-step.js";
import { recordExport } from "../../build/steps/source-record.js";

export interface SourceExport {
  /** Absolute. */
  readonly path: string;
  /** "linux-source-6.12_6.12.117-1_all" */
  readonly origin: string;
  /** Absolute; undefined if not requested. */
  readonly compileCommands: string | undefined;
}

/**
 * Copies the kernel's source, with patches applied, from the engine to a folder on the host. The files are read-only,
 * since the next export replaces them.
 */
export async function exportSource(
  ctx: Context,
  plan: Plan,
  request: ExportRequest & { readonly force: boolean; readonly home: string },
): Promise<SourceExport> {
  const { tree } = plan.kernel;
  if (tree !== undefined) {
    throw new KdockError(
      "usage",
      `the kernel's source is on this machine already: ${tree.folder}`,
      {
        hint: "Use it there: gdb and the files of `kdock ide` already do.",
      },
    );
  }
  const path = await checkExportFolder(ctx, request);
  // A build may be writing the same volumes.
  await using _mutex = await projectMutex(ctx);
  const volumes = await existingVolumes(ctx, plan);
  const found = await runStep(ctx, "source-export", `source to ${path}`, async (log) => {
    const image = await anyBuilder(ctx, plan);
    const { value, cached } = await collect(
      ctx,
      exportContainer(plan.kernel, plan.names, image, volumes, request),
      { ...request, path },
      log,
    );
    return { value, cached, summary: value.origin };
  });
  await recordExport(ctx, path);
  await writeGdbScripts(ctx, plan);
  if (!found.compiled) {
    const text =
      "the kernel is not compiled, so generated headers are missing: run `kdock build`, then this command again";
    ctx.reporter.emit({ type: "notice", text });
  }
  const compileCommands = request.compileCommands ? `${path}/${COMPILE_COMMANDS}` : undefined;
  return { path, origin: found.origin, compileCommands };
}

/** The engine would create a missing volume on mount. */
async function existingVolumes(ctx: Context, plan: Plan): Promise<ReadonlySet<string>> {
  const engine = await ctx.engine();
  const { id } = plan.names;
  const volumes = [
    ...(await engine.listVolumes(labels("source", id))),
    ...(await engine.listVolumes(labels("objects", id))),
  ];
  const names = new Set(volumes.map(({ name }) => name));
  const source = plan.kernel.container.mounts.find(({ target }) => target === INSIDE.source);
  if (source === undefined || !names.has(source.volume)) throw noSource();
  return names;
}

function noSource(): KdockError {
  return new KdockError("usage", "the engine has no kernel source yet", {
    hint: "Run `kdock build` first.",
  });
}

/** Any kernel builder image: its toolchain is not used. */
async function anyBuilder(ctx: Context, plan: Plan): Promise<string> {
  const engine = await ctx.engine();
  const existing =
    (await engine.findImage(plan.kernel.image.tag)) ?? (await newest(engine, "image-kernel"));
  return existing?.id ?? (await ensureImage(ctx, plan.kernel.image, { noCache: false })).tag;
}

async function newest(engine: Engine, role: "image-kernel") {
  const images = await engine.listImages(labels(role, undefined));
  return [...images].sort((a, b) => b.createdAt - a.createdAt)[0];
}

async function collect(
  ctx: Context,
  spec: ReturnType<typeof exportContainer>,
  request: ExportRequest & { readonly force: boolean },
  log: StepLog,
): Promise<{ value: FoundSource; cached: boolean }> {
  const lines: string[] = [];
  let cached = false;
  const exitCode = await runContainer(ctx, spec, {
    prepare: (container) => container.putArchive(INSIDE.input, packTar(script(ctx))),
    onLine: (line) => {
      lines.push(line);
      log.line(line);
    },
    collectOutput: async (container) => {
      const found = foundSource(lines);
      const previous = request.force ? undefined : await exportedKey(ctx, request.path);
      cached = previous === exportKey(found, request);
      if (!cached) await copyOut(ctx, container, found, request, log);
    },
  });
  if (exitCode === COLLECT_EXIT.noSource) throw noSource();
  if (exitCode === COLLECT_EXIT.notCompiled) {
    throw new KdockError("usage", "the kernel has no object files: it has not been compiled", {
      hint: "Run `kdock build` first, or `kdock build kernel --no-cache` if it is up to date.",
    });
  }
  if (exitCode !== 0) {
    throw new KdockError("build", `collecting the source ended with exit code ${exitCode}`, {
      hint: "The lines above say why.",
    });
  }
  return { value: foundSource(lines), cached };
}

function* script(ctx: Context) {
  const asset = ctx.assets.get("images/editor/collect.sh");
  if (asset === undefined) throw new Error("images/editor/collect.sh is missing");
  yield { path: "collect.sh", kind: "file", mode: 0o755, content: asset.content } as const;
}

/** Atomic: the export is written under a temporary name and then moved. */
async function copyOut(
  ctx: Context,
  container: Container,
  found: FoundSource,
  request: ExportRequest,
  log: StepLog,
): Promise<void> {
  const { files } = ctx.host;
  const { path } = request;
  const temporary = await files.makeTemporary(path);
  // gdb compares the times of sources with the kernel's.
  const readOnly = { mode: (mode: number) => mode & 0o555, keepTimes: true };
  try {
    log.phase("extracting");
    await extractFolder(ctx, container, INSIDE.source, temporary, log, {
      ...readOnly,
      wanted: isKernelSource,
    });
    const generated = exportedObjects(temporary);
    await files.makeFolder(generated);
    await extractFolder(ctx, container, INSIDE.output, generated, log, {
      ...readOnly,
      wanted: () => true,
    });
    if (request.compileCommands) await moveCompileCommands(ctx, temporary, path);
    const marker = { kdock: 1, key: exportKey(found, request), origin: found.origin };
    await files.writeAtomic(
      `${temporary}/${EXPORT_MARKER}`,
      `${JSON.stringify(marker, undefined, 2)}\n`,
    );
    await files.replace(temporary, path);
  } catch (error) {
    await files.remove(temporary);
    throw error;
  }
}

/** Rewrites the builder's paths to the export's final ones, and moves the file to the tree's root, where clangd looks. */
async function moveCompileCommands(ctx: Context, folder: string, path: string): Promise<void> {
  const { files } = ctx.host;
  const collected = `${exportedObjects(folder)}/${COMPILE_COMMANDS}`;
  const tree = { source: path, objects: exportedObjects(path) };
  const text = editorCompileCommands((await files.readText(collected)) ?? "[]", tree);
  await files.remove(collected);
  await files.writeAtomic(`${folder}/${COMPILE_COMMANDS}`, text);
}
