/** The process as kdock sees it. `cli.ts` fills it in from `process`; nothing else looks there. */
export interface World {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  /** Of this kdock, as in package.json. */
  readonly version: string;
  readonly cwd: string;
  /** Of whom kdock runs as; undefined where users have no numbers. */
  readonly uid: number | undefined;
  /** The program and first arguments that run this kdock once more. */
  readonly self: readonly string[];
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  /** Aborted by Ctrl-C, with a KdockError as its reason. */
  readonly signal: AbortSignal;
  /** Runs on every way out of the process, synchronously. */
  readonly onExit: (restore: () => void) => void;
}

/** Flags that stand before or after any command. */
export interface GlobalFlags {
  readonly config?: string;
  readonly json?: boolean;
  readonly verbose?: boolean;
  /** Allow what reaches out of the project's folder. */
  readonly trust?: boolean;
}
