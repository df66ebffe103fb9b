import { USUAL_ARCHITECTURE } from "../../config/config.js";
import { KdockError } from "../../core/errors.js";
import {
  architectureByMachine,
  ENGINE_ARCHITECTURES,
  type EngineArchitecture,
  engineArchitecture,
} from "../../core/plan/architectures.js";
import { FOLDER } from "../../core/plan/names.js";
import { type EarlyContext, inProject } from "../../core/steps/context.js";

export interface EngineQuestion {
  /** The engine's address, "unix:///var/run/docker.sock": the architecture is cached for it. */
  readonly place: string;
  /** False for a command that needs no engine: the host's architecture is assumed. */
  readonly ask: boolean;
}

/**
 * The architecture of the engine's machine. Queried once for each address and cached in the project; `requireArchitecture`
 * detects a change. If no engine answers, the host's architecture is assumed. Rejects with an `environment` error for an
 * architecture that kdock has no images for.
 */
export async function askArchitecture(
  ctx: EarlyContext,
  { place, ask }: EngineQuestion,
): Promise<EngineArchitecture> {
  const path = inProject(ctx, FOLDER.engine);
  const cached = await cachedArchitecture(ctx, path, place);
  if (cached !== undefined) return cached;
  if (!ask) return hostArchitecture(ctx);
  const machine = await machineOf(ctx);
  if (machine === undefined) return hostArchitecture(ctx);
  const found = engineArchitecture(machine);
  // Does not create the folder in a project without builds.
  if (await ctx.host.files.isFolder(inProject(ctx, FOLDER.state))) {
    await ctx.host.files.writeAtomic(path, `${JSON.stringify({ place, architecture: found })}\n`);
  }
  return found;
}

/** Rejects with an `environment` error if the engine's architecture is not the one that a plan was made for. */
export async function requireArchitecture(
  ctx: EarlyContext,
  planned: EngineArchitecture,
): Promise<void> {
  const { architecture: machine, endpoint } = await (await ctx.engine()).info();
  const found = engineArchitecture(machine);
  if (found === planned) return;
  await ctx.host.files.remove(inProject(ctx, FOLDER.engine));
  throw new KdockError(
    "environment",
    `the engine at ${endpoint} runs on ${found}, and ran on ${planned} before`,
    { hint: "Run the command again: kdock has removed its record of the engine." },
  );
}

async function machineOf(ctx: EarlyContext): Promise<string | undefined> {
  try {
    return (await (await ctx.engine()).info()).architecture;
  } catch (error) {
    ctx.signal.throwIfAborted();
    // A command that needs the engine reports the error later.
    if (error instanceof KdockError) return undefined;
    throw error;
  }
}

function hostArchitecture({ host }: EarlyContext): EngineArchitecture {
  return architectureByMachine(host.machine) ?? USUAL_ARCHITECTURE;
}

async function cachedArchitecture(
  { host }: EarlyContext,
  path: string,
  place: string,
): Promise<EngineArchitecture | undefined> {
  const text = await host.files.readText(path);
  if (text === undefined) return undefined;
  try {
    const { place: where, architecture } = JSON.parse(text) as Record<string, unknown>;
    return where === place ? ENGINE_ARCHITECTURES.find((each) => each === architecture) : undefined;
  } catch {
    // A truncated file: the engine is queried again.
    return undefined;
  }
}
