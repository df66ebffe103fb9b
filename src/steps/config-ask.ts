import { readTar } from "../archive/read-tar.js";
import type { Container } from "../engine/engine.js";
import { KdockError } from "../errors.js";
import {
  type Answer,
  ANSWER_FILE,
  configBuild,
  type KernelConfigTexts,
  type Question,
  QUESTION_FILE,
} from "../plan/config-question.js";
import { INSIDE } from "../plan/names.js";
import type { Project } from "../project.js";
import { artifactFolder, readKernelConfig, readManifest } from "./artifact-store.js";
import { ensureImage } from "./builder-image.js";
import type { Context } from "./context.js";
import { runBuilder } from "./run-build.js";
import { runStep } from "./run-step.js";

export interface Asked extends KernelConfigTexts {
  readonly answer: Answer;
}

/** What a kernel was configured with, if it is built as the plan wants it; no engine is asked. */
export async function builtConfig({ ctx, plan }: Project): Promise<KernelConfigTexts | undefined> {
  const { key } = plan.kernel;
  if ((await readManifest(ctx, "kernel", key)) === undefined) return undefined;
  const config = await readKernelConfig(ctx, key);
  const demands = await ctx.host.files.readText(
    `${artifactFolder(ctx, "kernel", key)}/demands.config`,
  );
  return config === undefined || demands === undefined ? undefined : { config, demands };
}

/**
 * Has the kernel's own Kconfig answer questions about the configuration of a plan, which is computed unless there is a
 * build of it. The caller holds the project's lock.
 */
export async function askConfig(project: Project, question: Question): Promise<Asked> {
  const { ctx, plan } = project;
  const built = await builtConfig(project);
  const known =
    built === undefined ? {} : { "final.config": built.config, "final.demands": built.demands };
  await ensureImage(ctx, plan.kernel.image, { noCache: false });
  const build = configBuild(plan.kernel, ["source", "ask"], {
    [QUESTION_FILE]: JSON.stringify(question),
    ...known,
  });
  return runStep(ctx, "config", `configuration of ${plan.kernel.title}`, async (log) => {
    let files = new Map<string, string>();
    await runBuilder(ctx, build, build.container, log, async (container) => {
      files = await outputTexts(ctx, container);
    });
    const answer = JSON.parse(required(files, ANSWER_FILE)) as Answer;
    const asked = {
      answer,
      config: required(files, "config"),
      demands: required(files, "demands.config"),
    };
    return { value: asked, cached: false };
  });
}

/** What a container left in /out: small texts, by name. */
export async function outputTexts(
  ctx: Context,
  container: Container,
): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  await readTar(
    await container.getArchive(INSIDE.output, ctx.signal),
    async ({ name, type }, content) => {
      if (type !== "file") return;
      const chunks: Uint8Array[] = [];
      for await (const chunk of content) chunks.push(chunk);
      files.set(name.replace(/^[^/]*\//, ""), Buffer.concat(chunks).toString());
    },
  );
  return files;
}

function required(files: ReadonlyMap<string, string>, name: string): string {
  const text = files.get(name);
  if (text === undefined) throw new Error(`the builder left no ${name}`);
  return text;
}

/** Rejects with a `usage` error for the first option that there is not. */
export function refuseUnknown(unknown: Readonly<Record<string, string>>): void {
  const [first] = Object.entries(unknown);
  if (first === undefined) return;
  const [name, why] = first;
  throw new KdockError("usage", `${name}: ${why}`);
}
