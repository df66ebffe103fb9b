import type { Reporter } from "../ui/reporter.js";
import type { GlobalFlags, World } from "./world.js";

/** One run of kdock: the process, the flags that every command takes, and the reporter that these select. */
export interface Session {
  readonly world: World;
  /** Empty until the command line is parsed. */
  readonly globals: GlobalFlags;
  readonly reporter: Reporter;
}
