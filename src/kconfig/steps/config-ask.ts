import { readTar } from "../../archive/read-tar.js";
import type { Container } from "../../engine/engine.js";
import { KdockError } from "../../core/errors.js";
import {
  type Answer,
  ANSWER_FILE,
  configBuild,
  type KernelConfigTexts,
  type Question,
  QUESTION_FILE,
} from "../plan/config-question.js";
import { FOLDER, INSIDE } from "../../core/plan/names.js";
import type { Project } from "../../build/project.js";
import { readLooseText } from "../../core/steps/read-loose-text.js";
import { artifactFolder, readManifest } from "../../core/steps/artifact-store.js";
import { ensureImage } from "../../build/steps/builder-image.js";
import { type Context, inProject } from "../../core/steps/context.js";
import { runBuilder } from "../../build/steps/run-build.js";
import { runStep } from "../../core/steps/run-step.js";

export interface Asked extends KernelConfigTexts {
  readonly answer: Answer;
}

const FILES = { config: "config", demands: "demands.config" } as const;

/** The configuration of a plan's kernel, if it is built or was resolved before; needs no engine. */
export async function knownConfig({ ctx, plan }: Project): Promise<KernelConfigTexts | undefined> {
  const { key } = plan.kernel;
  const isBuilt = (await readManifest(ctx, "kernel", key)) !== undefined;
  const folder = isBuilt ? artifactFolder(ctx, "kernel", key) : configFolder(ctx, key);
  const config = await readLooseText(ctx.host.files, `${folder}/${FILES.config}`);
  const demands = await readLooseText(ctx.host.files, `${folder}/${FILES.demands}`);
  return config === undefined || demands === undefined ? undefined : { config, demands };
}

function configFolder(ctx: Context, key: string): string {
  return inProject(ctx, `${FOLDER.configs}/${key}`);
}

/** Stored by the kernel's key, which covers all inputs of the configuration. */
async function storeConfig(ctx: Context, key: string, texts: KernelConfigTexts): Promise<void> {
  const { files } = ctx.host;
  await files.writeAtomic(`${configFolder(ctx, key)}/${FILES.config}`, texts.config);
  await files.writeAtomic(`${configFolder(ctx, key)}/${FILES.demands}`, texts.demands);
}

/**
 * Queries the kernel's Kconfig about the configuration of a plan, which is resolved unless it is stored. The caller holds the
 * project's lock.
 */
export async function askConfig(project: Project, question: Question): Promise<Asked> {
  const { ctx, plan } = project;
  const built = await knownConfig(project);
  const known =
    built === undefined ? {} : { "final.config": built.config, "final.demands": built.demands };
  await ensureImage(ctx, plan.kernel.image, { noCache: false });
  const build = configBuild(plan.kernel, ["source", "ask"], {
    [QUESTION_FILE]: JSON.stringify(question),
    ...known,
  });
  return runStep(ctx, "config", `configuration of ${plan.kernel.title}`, async (log) => {
    let files = new Map<string, string>();
    await runBuilder(ctx, build, build.container, log, {
      collectOutput: async (container) => {
        files = await outputTexts(ctx, container);
      },
    });
    const answer = JSON.parse(required(files, ANSWER_FILE)) as Answer;
    const asked = {
      answer,
      config: required(files, FILES.config),
      demands: required(files, FILES.demands),
    };
    if (built === undefined) await storeConfig(ctx, plan.kernel.key, asked);
    return { value: asked, cached: false };
  });
}

/** The small text files that a container left in /out, by name. */
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
  if (text === undefined) throw new Error(`the builder did not write ${name}`);
  return text;
}

/** Throws a `usage` error for the first option that does not exist. */
export function refuseUnknown(unknown: Readonly<Record<string, string>>): void {
  const [first] = Object.entries(unknown);
  if (first === undefined) return;
  const [name, why] = first;
  throw new KdockError("usage", `${name}: ${why}`);
}
