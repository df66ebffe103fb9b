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

/** Where an engine is looked for, and what is known of it without asking. */
export interface EngineQuestion {
  /** Names the place, "unix:///var/run/docker.sock": what was found there once is there the next time. */
  readonly place: string;
  /** A command that needs no engine takes what is likely instead of asking. */
  readonly ask: boolean;
}

/**
 * The architecture of the engine's machine. It is asked once for each place and remembered in the project; see
 * `requireArchitecture` for an engine that changes. Where none answers, this machine's is likely. Rejects with an
 * `environment` error when it is one that kdock has no images for.
 */
export async function askArchitecture(
  ctx: EarlyContext,
  { place, ask }: EngineQuestion,
): Promise<EngineArchitecture> {
  const path = inProject(ctx, FOLDER.engine);
  const known = await remembered(ctx, path, place);
  if (known !== undefined) return known;
  if (!ask) return likely(ctx);
  const machine = await machineOf(ctx);
  if (machine === undefined) return likely(ctx);
  const found = engineArchitecture(machine);
  // A project that nothing was built in is left without the folder.
  if (await ctx.host.files.isFolder(inProject(ctx, FOLDER.state))) {
    await ctx.host.files.writeAtomic(path, `${JSON.stringify({ place, architecture: found })}\n`);
  }
  return found;
}

/** Rejects with an `environment` error when the engine is no longer of the architecture that a plan was made for. */
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
    `the engine at ${endpoint} runs on ${found}, and was on ${planned} before`,
    { hint: "Run the command again: kdock has forgotten what it knew of the engine." },
  );
}

async function machineOf(ctx: EarlyContext): Promise<string | undefined> {
  try {
    return (await (await ctx.engine()).info()).architecture;
  } catch (error) {
    ctx.signal.throwIfAborted();
    // Who needs an engine gets the same error where it is needed.
    if (error instanceof KdockError) return undefined;
    throw error;
  }
}

function likely({ host }: EarlyContext): EngineArchitecture {
  return architectureByMachine(host.machine) ?? USUAL_ARCHITECTURE;
}

async function remembered(
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
    // Cut off by a full disk: it is asked anew.
    return undefined;
  }
}
