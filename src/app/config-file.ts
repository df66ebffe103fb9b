import { resolve } from "node:path";
import type { GlobalFlags, World } from "../core/world.js";

/** In the project's folder, unless --config names another file. */
export const CONFIG_FILE = "kdock.yaml";

/** For messages: the word of --config, or the usual name. */
export function configName({ config }: GlobalFlags): string {
  return config ?? CONFIG_FILE;
}

export function configPath({ cwd }: World, globals: GlobalFlags): string {
  return resolve(cwd, configName(globals));
}
