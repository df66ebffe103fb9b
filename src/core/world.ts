/** The process as kdock sees it. `cli.ts` fills it in from `process`; nothing else looks there. */
export interface World {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  /** Of this kdock, as in package.json. */
  readonly version: string;
  readonly cwd: string;
  /** The effective user id; undefined on a platform without any. */
  readonly uid: number | undefined;
  /** The program and first arguments that start this kdock again. */
  readonly self: readonly string[];
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  /** Aborted by Ctrl-C, with a KdockError as its reason. */
  readonly signal: AbortSignal;
  /** Runs on every way out of the process, synchronously. */
  readonly onExit: (restore: () => void) => void;
}

/** Flags of kdock itself, before the command or after it. */
export interface GlobalFlags {
  readonly config?: string;
  readonly json?: boolean;
  readonly verbose?: boolean;
  /** Allow what reaches out of the project's folder. */
  readonly trust?: boolean;
}
