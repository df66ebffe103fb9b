import type { Readable, Writable } from "node:stream";
import type { Engine } from "../engine/engine.js";
import type { Host, Terminal } from "../host/host.js";
import { FOLDER } from "../plan/names.js";
import type { Assets } from "../plan/assets.js";
import type { Reporter } from "../ui/reporter.js";

/** The world as a step sees it. */
export interface Context {
  readonly host: Host;
  readonly terminal: Terminal;
  readonly reporter: Reporter;
  /** Results and the guest's output. */
  readonly stdout: Writable;
  readonly stderr: Writable;
  /** What is piped into kdock; undefined when a person sits there. */
  readonly stdin: Readable | undefined;
  /** Aborted by Ctrl-C, with a KdockError as its reason. */
  readonly signal: AbortSignal;
  /** Absolute path of the folder that holds kdock.yaml. */
  readonly folder: string;
  readonly assets: Assets;
  /** This kdock's. */
  readonly version: string;
  /** Connects at the first call: a build with nothing to do needs no engine. */
  engine(): Promise<Engine>;
}

/** Keeps other builds of this project out until disposed of; see `HostFiles.lock`. */
export function projectMutex(ctx: Context): Promise<AsyncDisposable> {
  return ctx.host.files.lock(inProject(ctx, FOLDER.lock), "another kdock build of this project");
}

/** An absolute path for one that FOLDER spells relative to the project. */
export function inProject(ctx: Context, path: string): string {
  return `${ctx.folder}/${path}`;
}
