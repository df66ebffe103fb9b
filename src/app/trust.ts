import { dirname } from "node:path";
import { configPath } from "./config-file.js";
import type { Config } from "../config/config.js";
import { alsoIn, outsideRequests, type Use } from "../config/outside.js";
import type { Person } from "../config/ownership.js";
import { nodeFiles } from "../host/node-files.js";
import type { RepositoryAt } from "../core/local-repository.js";
import { checkState, requireTrust } from "./steps/trust.js";
import type { Reporter } from "../ui/reporter.js";
import { visible } from "../ui/visible.js";
import type { GlobalFlags, World } from "../core/world.js";

/** Runs before anything of the project is read; see `checkState`. */
export async function checkProject(world: World, globals: GlobalFlags): Promise<void> {
  const folder = dirname(configPath(world, globals));
  await checkState(nodeFiles, folder, personOf(world));
}

export interface Reach {
  readonly folder: string;
  /** The configuration without flags and variables. */
  readonly written: Config;
  readonly config: Config;
  readonly use: Use;
  readonly repositoryAt: RepositoryAt;
}

/**
 * Asks once to allow what kdock.yaml names outside of its folder and the command uses. Flags and variables are the user's own
 * and need no permission.
 */
export async function checkTrust(
  world: World,
  globals: GlobalFlags,
  reporter: Reporter,
  { folder, written, config, use, repositoryAt }: Reach,
): Promise<void> {
  const { env, stdin, stderr, signal } = world;
  const canAsk = stdin.isTTY && stderr.isTTY && globals.json !== true;
  await requireTrust(nodeFiles, {
    project: folder,
    person: personOf(world),
    requests: alsoIn(outsideRequests(written, use), outsideRequests(config, use)),
    repositoryAt,
    config: configPath(world, globals),
    store: `${stateFolder(world)}/kdock/trusted.json`,
    given: globals.trust === true ? "flag" : env["KDOCK_TRUST"] === "1" ? "variable" : undefined,
    ask: canAsk
      ? async (text) => {
          reporter.pause();
          const { ask } = await import("../host/ask.js");
          return ask(visible(text), { input: stdin, output: stderr, signal });
        }
      : undefined,
  });
}

/** By the XDG Base Directory Specification, which ignores relative paths. */
function stateFolder({ env, home }: World): string {
  const given = env["XDG_STATE_HOME"];
  return given?.startsWith("/") === true ? given : `${home}/.local/state`;
}

function personOf({ uid, env }: World): Person {
  const sudo = uid === 0 ? Number.parseInt(env["SUDO_UID"] ?? "", 10) : Number.NaN;
  return { uid, sudoUid: Number.isNaN(sudo) ? undefined : sudo };
}
