import type { Readable, Writable } from "node:stream";
import type { Engine } from "../../engine/engine.js";
import type { QuickEngine } from "../../engine/quick-engine.js";
import type { HostFiles, Terminal } from "../../host/host.js";
import type { ProjectNames } from "../../core/plan/names.js";
import type { Reporter } from "../../ui/reporter.js";

/** The world as a step sees it that only talks to a guest which runs already: less than a Context, and there sooner. */
export interface GuestContext {
  readonly files: HostFiles;
  readonly terminal: Terminal;
  readonly reporter: Reporter;
  /** The guest's output. */
  readonly stdout: Writable;
  readonly stderr: Writable;
  /** Whoever sits or is piped there. */
  readonly stdin: Readable;
  /** Aborted by Ctrl-C, with a KdockError as its reason. */
  readonly signal: AbortSignal;
  /** Absolute path of the folder that kdock was called in. */
  readonly cwd: string;
  readonly names: ProjectNames;
  quickEngine(): Promise<QuickEngine>;
  /** For what the quick one cannot do: it is slow to load. */
  engine(): Promise<Engine>;
}
