import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { execa, type Options } from "execa";
import type { MatrixResult } from "../../src/fleet/plan/matrix.js";
import { projectNames } from "../../src/core/plan/names.js";

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
    // What tests ask for outside of a project's folder is asked about in test/cli/trust.test.ts.
    env: { KDOCK_TRUST: "1", ...rest.env },
    reject: false,
    stripFinalNewline: false,
    buffer: !stream,
    ...(input === undefined ? { stdin: pipe ? "pipe" : "ignore" } : { input }),
  };
  return execa("node", [CLI, ...args], given) as unknown as Promise<Outcome> & {
    kill(signal: string): boolean;
    readonly pid: number;
    readonly stdin: NodeJS.WritableStream;
    readonly stdout: Readable;
    readonly stderr: Readable;
  };
}

/** Resolves when a process has written the text to this stream; rejects when the stream ends before. */
export function untilOutput(stream: NodeJS.ReadableStream, what: string | RegExp): Promise<void> {
  let seen = "";
  const isThere = () => (typeof what === "string" ? seen.includes(what) : what.test(seen));
  return new Promise((resolve, reject) => {
    stream.on("data", (chunk) => {
      seen += String(chunk);
      if (isThere()) resolve();
    });
    stream.on("end", () => {
      reject(new Error(`ended without ${String(what)}: ${seen}`));
    });
  });
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

/** Every volume of the project in `folder`: what `kdock clean` leaves are sources, which are of no use to another test. */
export async function removeVolumes(folder: string): Promise<void> {
  const label = `label=io.kdock.project=${projectNames(folder).id}`;
  const volumes = await docker("volume", "ls", "-q", "--filter", label);
  for (const name of volumes.split("\n").filter(Boolean)) await docker("volume", "rm", name);
}

/** The rows that `kdock --json matrix` told. */
export function matrixRows(stdout: string): MatrixResult[] {
  return stdout
    .split("\n")
    .filter((line) => line.includes('"type":"row"'))
    .map((line) => (JSON.parse(line) as { data: MatrixResult }).data);
}
