import { fileURLToPath } from "node:url";
import { execa, type Options } from "execa";

export const ROOT = fileURLToPath(new URL("../../", import.meta.url));
export const CLI = `${ROOT}dist/cli.js`;

export interface Outcome {
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the built kdock as a user would, in a folder; never rejects. */
export async function kdock(
  args: readonly string[],
  options: { cwd: string; env?: Record<string, string>; input?: string | Uint8Array },
): Promise<Outcome> {
  const { exitCode, stdout, stderr } = await start(args, options);
  return { exitCode, stdout, stderr };
}

/** The same, while it runs: for signals and for reading as it goes. */
export function start(
  args: readonly string[],
  options: {
    cwd: string;
    env?: Record<string, string>;
    input?: string | Uint8Array;
    /** Its stdin is written to as it goes. */
    pipe?: boolean;
    /** Its output is read as it goes, and not kept. */
    stream?: boolean;
  },
) {
  const { input, pipe = false, stream = false, ...rest } = options;
  const given: Options = {
    ...rest,
    reject: false,
    stripFinalNewline: false,
    buffer: !stream,
    ...(input === undefined ? { stdin: pipe ? "pipe" : "ignore" } : { input }),
  };
  return execa("node", [CLI, ...args], given) as unknown as Promise<Outcome> & {
    kill(signal: string): boolean;
    readonly pid: number;
    readonly stdin: NodeJS.WritableStream;
    readonly stdout: NodeJS.ReadableStream;
    readonly stderr: NodeJS.ReadableStream;
  };
}

/** stdout of a program the tests need; a failure is a failure of the test. */
export async function run(program: string, ...args: readonly string[]): Promise<string> {
  const { stdout } = await execa(program, args);
  return stdout;
}

/** Docker's own client, as an observer that does not share kdock's code. */
export function docker(...args: readonly string[]): Promise<string> {
  return run("docker", ...args);
}
