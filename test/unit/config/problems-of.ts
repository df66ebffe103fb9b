import { KdockError } from "../../../src/core/errors.js";
import { loadConfig, type ConfigSources } from "../../../src/config/layers.js";

/** The lines of the error that these sources are refused with. */
export function problemsOf(sources: ConfigSources): string[] {
  try {
    loadConfig(sources);
  } catch (error) {
    if (error instanceof KdockError && error.code === "config") {
      return error.message
        .split("\n")
        .slice(1)
        .map((line) => line.trim());
    }
    throw error;
  }
  return [];
}

export function inFile(text: string): ConfigSources {
  return { file: { name: "kdock.yaml", text } };
}
