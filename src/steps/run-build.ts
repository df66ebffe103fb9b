import { packTar } from "../archive/tar.js";
import type { Container, Engine } from "../engine/engine.js";
import { KdockError } from "../errors.js";
import { aboutObjects, readBuildLine } from "../plan/build-log.js";
import type { BuildPlan } from "../plan/build-plan.js";
import { INSIDE } from "../plan/names.js";
import { type Manifest, storeArtifacts } from "./artifact-store.js";
import type { ReadyImage } from "./builder-image.js";
import type { Context } from "./context.js";
import { extractFolder } from "./extract.js";
import { linesOf } from "./lines.js";
import type { StepLog } from "./run-step.js";

/** build.sh's exit code (EX_USAGE) for a request it cannot serve: the user's input is wrong, not the build. */
const REFUSED = 64;

/** Runs one build container to its end and stores what it left in /out. The container is gone afterwards. */
export async function runBuild(
  ctx: Context,
  plan: BuildPlan,
  image: ReadyImage,
  log: StepLog,
): Promise<Manifest> {
  const engine = await ctx.engine();
  await removeStale(ctx, engine, plan);
  for (const [name, labels] of Object.entries(plan.volumes))
    await engine.ensureVolume(name, labels);

  await using container = await engine.createContainer(plan.container, ctx.signal);
  await container.putArchive(INSIDE.input, packTar(inputFiles(plan)));
  const progress = followBuild(log);
  const exitCode = await runToEnd(ctx, container, progress.onLine);
  if (exitCode !== 0) throw buildError(plan, exitCode, progress.noSpace());

  log.phase("extracting");
  // Awaited here: the container must outlive its extraction.
  return await storeArtifacts(
    ctx,
    { stage: plan.stage, key: plan.key, inputs: plan.inputs, resolved: resolvedImage(image) },
    (folder) => extractFolder(ctx, container, INSIDE.output, folder, log),
    (folder) => resolvedByBuild(ctx, folder),
  );
}

/** The project's lock is ours, so a build container of this name that exists belongs to nobody alive. */
async function removeStale(ctx: Context, engine: Engine, plan: BuildPlan): Promise<void> {
  for (const { id, name } of await engine.listContainers(plan.container.labels)) {
    if (name !== plan.container.name) continue;
    ctx.reporter.emit({
      type: "notice",
      text: `removing ${name}, left by a build that was killed`,
    });
    await engine.container(id).remove();
  }
}

function inputFiles(plan: BuildPlan) {
  return Object.entries(plan.files).map(([path, text]) => ({
    path,
    kind: "file" as const,
    mode: 0o644,
    content: Buffer.from(text),
  }));
}

async function runToEnd(
  ctx: Context,
  container: Container,
  onLine: (line: string) => void,
): Promise<number> {
  const output = await container.attach();
  const exit = container.wait(ctx.signal);
  // The rejection is looked at below; until then it must not count as unhandled.
  exit.catch(() => undefined);
  await container.start();
  const interrupt = () => output.destroy();
  ctx.signal.addEventListener("abort", interrupt, { once: true });
  try {
    for await (const line of linesOf(output)) onLine(line);
  } finally {
    ctx.signal.removeEventListener("abort", interrupt);
    ctx.signal.throwIfAborted();
  }
  return await exit;
}

interface BuildProgress {
  readonly onLine: (line: string) => void;
  /** Whether a tool said that the disk is full: the one cause whose cure is not in the log. */
  readonly noSpace: () => boolean;
}

function followBuild(log: StepLog): BuildProgress {
  let objects = 0;
  let total: number | undefined;
  let noSpace = false;
  const onLine = (line: string) => {
    log.line(line);
    noSpace ||= line.includes("No space left on device");
    const meaning = readBuildLine(line);
    if (meaning.kind === "phase") log.phase(meaning.phase);
    if (meaning.kind === "options") total = aboutObjects(meaning.count);
    if (meaning.kind === "object") log.progress((objects += 1), total, "objects", true);
  };
  return { onLine, noSpace: () => noSpace };
}

function buildError(plan: BuildPlan, exitCode: number, noSpace: boolean): KdockError {
  if (exitCode === REFUSED) {
    return new KdockError("config", `the ${plan.stage} builder refused its input`, {
      hint: "The lines above say why; correct kdock.yaml.",
    });
  }
  return new KdockError("build", `the ${plan.stage} build ended with exit code ${exitCode}`, {
    hint: buildHint(exitCode, noSpace),
  });
}

function buildHint(exitCode: number, noSpace: boolean): string {
  if (noSpace) {
    return "Free disk space where the engine keeps its volumes: `kdock clean --all --dry-run` lists kdock's part.";
  }
  // 128 + SIGKILL: nobody but the kernel's memory killer or `docker kill` sends it.
  if (exitCode === 137) {
    return "It was killed, most likely for lack of memory: set kernel.jobs to a smaller number.";
  }
  return "The lines above are from the build's log; it holds the whole story.";
}

function resolvedImage(image: ReadyImage): Readonly<Record<string, string>> {
  return {
    "builder-image": image.info.id,
    ...(image.base === undefined
      ? {}
      : { "base-image": image.base.info.repoDigests[0] ?? image.base.info.id }),
  };
}

/** build.sh leaves words about what it found: the exact source package and compiler. */
async function resolvedByBuild(
  ctx: Context,
  folder: string,
): Promise<Readonly<Record<string, string>>> {
  const source = (await ctx.host.files.readText(`${folder}/source.txt`)) ?? "";
  const compiler = (await ctx.host.files.readText(`${folder}/toolchain.txt`)) ?? "";
  const release = await ctx.host.files.readText(`${folder}/kernel.release`);
  const words = Object.fromEntries(
    source
      .trim()
      .split("\n")
      .map((line) => [`source-${line.split(" ")[0] ?? ""}`, line.split(" ").slice(1).join(" ")]),
  );
  return {
    ...words,
    compiler: compiler.trim(),
    ...(release === undefined ? {} : { release: release.trim() }),
  };
}
