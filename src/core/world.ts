/** The process as kdock sees it. `cli.ts` fills it in from `process`; nothing else looks there. */
export interface World {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  /** kdock's version, from package.json. */
  readonly version: string;
  readonly cwd: string;
  /** The effective user id; undefined on a platform without user ids. */
  readonly uid: number | undefined;
  /** The program and first arguments that start this kdock again. */
  readonly self: readonly string[];
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  /** Aborted by Ctrl-C, with a KdockError as its reason. */
  readonly signal: AbortSignal;
  /** Runs `restore` synchronously before the process exits, in every case. */
  readonly onExit: (restore: () => void) => void;
}

/** Global flags, before the command or after it. */
export interface GlobalFlags {
  readonly config?: string;
  readonly json?: boolean;
  readonly verbose?: boolean;
  /** Allow settings that reach outside the project's folder. */
  readonly trust?: boolean;
}
