import type { Container } from "../../engine/engine.js";

export interface InsideOutcome {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

/** Runs a short command in a container until it exits, with `input` as its stdin. */
export async function runInside(
  container: Container,
  command: readonly string[],
  options: {
    readonly signal: AbortSignal;
    readonly input?: string;
    /** The image's user if undefined. */
    readonly user?: string;
  },
): Promise<InsideOutcome> {
  const { signal, input = "", user } = options;
  const exec = await container.exec(command, {
    tty: false,
    signal,
    ...(user === undefined ? {} : { user }),
  });
  exec.stream.end(input);
  const [stdout, stderr] = await Promise.all([allOf(exec.stream), allOf(exec.stderr)]);
  return { stdout, stderr, exitCode: await exec.exitCode() };
}

async function allOf(stream: AsyncIterable<unknown>): Promise<string> {
  let text = "";
  for await (const chunk of stream) text += String(chunk);
  return text;
}
