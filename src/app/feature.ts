import type { Command } from "commander";
import type { Kdock } from "./kdock.js";

/** What a command's file exports. */
export interface Feature {
  readonly define: (kdock: Kdock) => Command;
  /** Its subcommands. */
  readonly PARTS?: FeatureTable;
}

/** By command name, in the order of --help. */
export type FeatureTable = Readonly<Record<string, () => Promise<Feature>>>;
