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

/** What steps need from their surroundings. */
export interface Context {
  readonly host: Host;
  readonly terminal: Terminal;
  readonly reporter: Reporter;
  /** Results and the guest's output. */
  readonly stdout: Writable;
  readonly stderr: Writable;
  /** kdock's stdin; undefined if it is a terminal. */
  readonly stdin: Readable | undefined;
  /** Aborted by Ctrl-C, with a KdockError as its reason. */
  readonly signal: AbortSignal;
  /** Absolute path of the folder that holds kdock.yaml. */
  readonly folder: string;
  /** The program and first arguments that run kdock on this project, in that folder. */
  readonly self: readonly string[];
  readonly assets: Assets;
  /** kdock's version. */
  readonly version: string;
  /** Whether the engine is expected on this machine: behind a unix socket. */
  engineIsHere(): boolean;
  /** See `repositoryReader`. */
  readonly repositoryAt: RepositoryAt;
  /** Undefined if none was started; see `beginScan`. */
  readonly speculativeScan?: SpeculativeScan | undefined;
  /** Connects at the first call: a build that is up to date needs no engine. */
  engine(): Promise<Engine>;
}

/** The context before kdock's assets are loaded: enough to read the user's files. */
export type EarlyContext = Omit<Context, "assets">;

/** Locks the project against other builds until disposed of; see `HostFiles.lock`. */
export function projectMutex(ctx: Context): Promise<AsyncDisposable> {
  return ctx.host.files.lock(inProject(ctx, FOLDER.lock), "another kdock build of this project");
}

/** A longer wait for the lock prints a notice. */
const NOTICE_AFTER_MS = 10_000;
const TRY_EVERY_MS = 100;

/**
 * Held while VMs reserve their slots, about a second, and while unused networks are removed. Waits without a limit: many may
 * be queued, and the lock of a process that has ended is released.
 */
export async function slotMutex(ctx: Context, signal = ctx.signal): Promise<AsyncDisposable> {
  const begun = ctx.host.now();
  let isAnnounced = false;
  for (;;) {
    signal.throwIfAborted();
    try {
      return await ctx.host.files.lock(inProject(ctx, FOLDER.slots), "another start of VMs");
    } catch (error) {
      // An error with a cause is one of the file system; the lock is not held.
      if (!(error instanceof KdockError) || error.cause !== undefined) throw error;
      if (!isAnnounced && ctx.host.now() - begun > NOTICE_AFTER_MS) {
        isAnnounced = true;
        ctx.reporter.emit({ type: "notice", text: `${error.message}: waiting for it to end` });
      }
      await sleep(TRY_EVERY_MS, undefined, { signal });
    }
  }
}

/** The absolute path for one of FOLDER. */
export function inProject(ctx: Pick<Context, "folder">, path: string): string {
  return `${ctx.folder}/${path}`;
}
