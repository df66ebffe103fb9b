import { access, constants, stat } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { KdockError, messageOf } from "../core/errors.js";
import { codeOf } from "./file-error.js";
import type { RunOptions } from "./host.js";
import { ProcessOutput } from "./process-output.js";

export type Env = Readonly<Record<string, string | undefined>>;

const QUOTED_LINES = 10;

export async function stream(
  env: Env,
  argv: readonly string[],
  options: RunOptions,
): Promise<Readable> {
  // Slow to load, and most commands run no program of the host.
  const { execa } = await import("execa");
  const [program = "", ...args] = argv;
  options.signal.throwIfAborted();
  const child = execa(program, args, {
    env: { ...env, ...options.env },
    extendEnv: false,
    cancelSignal: options.signal,
    stdin: "ignore",
    buffer: false,
  });
  const tail: string[] = [];
  const quoted = readLines(child.stderr, (line) => {
    options.onStderr?.(line);
    tail.push(line);
    if (tail.length > QUOTED_LINES) tail.shift();
  });
  const ended = child.then(
    () => undefined,
    async (error: unknown) => {
      await quoted;
      return options.signal.aborted
        ? (options.signal.reason as Error)
        : failure(program, error, tail);
    },
  );
  return new ProcessOutput(child, ended);
}

export async function capture(
  env: Env,
  argv: readonly string[],
  options: RunOptions,
): Promise<string> {
  return (await text(await stream(env, argv, options))).trim();
}

export async function which(env: Env, program: string): Promise<string | undefined> {
  const folders = (env["PATH"] ?? "").split(delimiter).filter((folder) => folder !== "");
  // Empty except on Windows.
  const endings = (env["PATHEXT"] ?? "").split(";");
  for (const folder of folders) {
    for (const ending of endings) {
      const path = join(folder, program + ending);
      if (await isProgram(path)) return path;
    }
  }
  return undefined;
}

async function isProgram(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}

async function readLines(input: Readable, onLine: (line: string) => void): Promise<void> {
  try {
    for await (const line of createInterface({ input, crlfDelay: Infinity })) onLine(line);
  } catch {
    // The program's exit is reported instead.
  }
}

function failure(program: string, error: unknown, tail: readonly string[]): KdockError {
  if (codeOf(error) === "ENOENT") {
    return new KdockError("environment", `${program} is not installed, or not on PATH`, {
      hint: `Install ${program}, or add its folder to PATH.`,
      cause: error,
    });
  }
  const [firstLine = ""] = messageOf(error).split("\n");
  const lines = [firstLine, ...tail.map((line) => `  ${line}`)];
  return new KdockError("environment", lines.join("\n"), { cause: error });
}
