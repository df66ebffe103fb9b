import { packTar, type TarEntry } from "../../archive/tar.js";
import type { Container, Engine } from "../../engine/engine.js";
import { KdockError } from "../../core/errors.js";
import {
  prepareContainer,
  symbolsVolume,
  type SymbolsVolume,
} from "../../build/plan/debugger-plan.js";
import { INSIDE } from "../../core/plan/names.js";
import type { Plan } from "../../build/plan/plan.js";
import { artifactFolder, readManifest } from "../../core/steps/artifact-store.js";
import type { Context } from "../../core/steps/context.js";
import { runContainer } from "../../core/steps/run-container.js";
import { runStep } from "../../core/steps/run-step.js";

/** Of the kernel's artifacts, what a debugger has a use for. */
const WANTED = /^(?:vmlinux|vmlinux-gdb\.py|System\.map|config|scripts\/|modules\/)/;

/**
 * The volume with a kernel's symbols and gdb's index of them, filled from the artifacts on this machine unless it is
 * there: once for each kernel. Whether one that is there was filled to its end, `isWhole` tells.
 */
export async function ensureSymbols(
  ctx: Context,
  { names, gdbImage }: Plan,
  kernelKey: string,
): Promise<SymbolsVolume> {
  const engine = await ctx.engine();
  const symbols = symbolsVolume(names, kernelKey);
  const spec = prepareContainer(names, gdbImage, symbols);
  if (await isThere(engine, symbols)) return symbols;
  const folder = artifactFolder(ctx, "kernel", kernelKey);
  const manifest = await readManifest(ctx, "kernel", kernelKey);
  if (manifest === undefined) {
    throw new KdockError("usage", `the artifacts of the kernel that runs (${kernelKey}) are gone`, {
      hint: "Build it again with `kdock build`, and start the VM anew.",
    });
  }
  await engine.ensureVolume(symbols.name, symbols.labels);
  try {
    await runStep(ctx, "symbols", "symbols for the debugger, with an index", async (log) => {
      const paths = manifest.files.filter(({ path, kind }) => kind === "file" && WANTED.test(path));
      const exitCode = await runContainer(ctx, spec, {
        prepare: (container) =>
          container.putArchive(
            INSIDE.output,
            packTar(
              filesOf(
                ctx,
                folder,
                paths.map(({ path }) => path),
              ),
            ),
          ),
        onLine: (line) => {
          log.line(line);
        },
      });
      if (exitCode !== 0) {
        throw new KdockError("environment", "gdb cannot read the kernel's symbols", {
          hint: "The lines above say why; `kdock build --no-cache kernel` makes them anew.",
        });
      }
      return { value: undefined, cached: false };
    });
  } catch (error) {
    await engine.removeVolume(symbols.name).catch(() => undefined);
    throw error;
  }
  return symbols;
}

async function isThere(engine: Engine, { name, labels }: SymbolsVolume): Promise<boolean> {
  return (await engine.listVolumes(labels)).some((volume) => volume.name === name);
}

/** False for the volume of a kdock that was killed while it filled it. The container has it mounted. */
export async function isWhole(ctx: Context, container: Container): Promise<boolean> {
  try {
    const marker = await container.getArchive(INSIDE.symbolsWhole, ctx.signal);
    marker.destroy();
    return true;
  } catch (error) {
    ctx.signal.throwIfAborted();
    if (error instanceof KdockError) return false;
    throw error;
  }
}

async function* filesOf(
  ctx: Context,
  folder: string,
  paths: readonly string[],
): AsyncGenerator<TarEntry> {
  for (const path of paths) {
    const content = await ctx.host.files.readBytes(`${folder}/${path}`);
    yield { path, kind: "file", mode: 0o644, content };
  }
}
