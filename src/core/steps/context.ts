import type { Readable, Writable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import type { Engine } from "../../engine/engine.js";
import { KdockError } from "../errors.js";
import type { Host, Terminal } from "../../host/host.js";
import { FOLDER } from "../plan/names.js";
import type { Assets } from "../plan/assets.js";
import type { Reporter } from "../../ui/reporter.js";
import type { RepositoryAt } from "../local-repository.js";
import type { SpeculativeScan } from "../speculative-scan.js";

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
  /** The program and first arguments that run kdock on this project, in that folder. */
  readonly self: readonly string[];
  readonly assets: Assets;
  /** This kdock's. */
  readonly version: string;
  /** Whether the engine, when it is asked, is expected on this machine: behind a unix socket. */
  engineIsHere(): boolean;
  /** See `repositoryReader`. */
  readonly repositoryAt: RepositoryAt;
  /** One that has begun already; see `beginScan`. */
  readonly speculativeScan?: SpeculativeScan | undefined;
  /** Connects at the first call: a build with nothing to do needs no engine. */
  engine(): Promise<Engine>;
}

/** What there is before kdock's own files are read, which takes a moment: enough to read the user's. */
export type EarlyContext = Omit<Context, "assets">;

/** Keeps other builds of this project out until disposed of; see `HostFiles.lock`. */
export function projectMutex(ctx: Context): Promise<AsyncDisposable> {
  return ctx.host.files.lock(inProject(ctx, FOLDER.lock), "another kdock build of this project");
}

/** A wait for others that is longer than usual is told. */
const TELL_AFTER_MS = 10_000;
const TRY_EVERY_MS = 100;

/**
 * Held while VMs take their slots among those of the project, which is a matter of a second. Others wait as long as it
 * takes: many may be before them, and each holder is alive. Also held while networks are removed that no VM has.
 */
export async function slotMutex(ctx: Context, signal = ctx.signal): Promise<AsyncDisposable> {
  const begun = ctx.host.now();
  let isTold = false;
  for (;;) {
    signal.throwIfAborted();
    try {
      return await ctx.host.files.lock(inProject(ctx, FOLDER.slots), "another start of VMs");
    } catch (error) {
      // What has a cause is a failure of the file system, and no holder.
      if (!(error instanceof KdockError) || error.cause !== undefined) throw error;
      if (!isTold && ctx.host.now() - begun > TELL_AFTER_MS) {
        isTold = true;
        ctx.reporter.emit({ type: "notice", text: `${error.message}: waiting for it to end` });
      }
      await sleep(TRY_EVERY_MS, undefined, { signal });
    }
  }
}

/** An absolute path for one that FOLDER spells relative to the project. */
export function inProject(ctx: Pick<Context, "folder">, path: string): string {
  return `${ctx.folder}/${path}`;
}
