import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { KdockError } from "../../core/errors.js";
import type { GuestCommand, GuestExit } from "../../vm/agent/command.js";
import type { GuestSession } from "../../vm/agent/session.js";

/** Enough of what a failed command said. */
const COMPLAINT_BYTES = 2000;

/** A shell script in the guest that has begun; `done` rejects with a `vm` error when it fails, in its own words. */
export interface GuestScript {
  readonly command: GuestCommand;
  readonly done: Promise<void>;
}

export function startScript(
  session: GuestSession,
  script: string,
  ...args: readonly string[]
): GuestScript {
  const argv = ["sh", "-c", script, "sh", ...args] as const;
  const command = session.exec({ argv: [...argv], env: {}, cwd: "/" });
  const done = Promise.all([command.exit, complaint(command.stderr)]).then(([exit, said]) => {
    check(exit, said);
  });
  done.catch(() => undefined);
  return { command, done };
}

/** More is no answer to a question of kdock's. */
const ANSWER_BYTES = 4 << 20;

/** The lines a script prints. */
export async function askGuest(
  session: GuestSession,
  script: string,
  ...args: readonly string[]
): Promise<string[]> {
  const { command, done } = startScript(session, script, ...args);
  command.stdin.end();
  const [said] = await Promise.all([answer(command.stdout), done]);
  return said.split("\n");
}

/** Feeds a script; one that fails before it has read everything is the reason that counts. */
export async function feedScript({ command, done }: GuestScript, input: Readable): Promise<void> {
  command.stdout.resume();
  try {
    await pipeline(input, command.stdin);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ERR_STREAM_PREMATURE_CLOSE") throw error;
  }
  await done;
}

async function answer(stdout: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stdout as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > ANSWER_BYTES) throw new KdockError("vm", "the guest's answer does not end");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

async function complaint(stderr: Readable): Promise<string> {
  let said = "";
  for await (const chunk of stderr) said = (said + String(chunk)).slice(-COMPLAINT_BYTES);
  return said.trim();
}

function check(exit: GuestExit, said: string): void {
  if (exit.kind === "exited" && exit.code === 0) return;
  const how =
    exit.kind === "signalled" ? `ended by signal ${exit.signal}` : `exit code ${exit.code}`;
  const why = (exit.kind === "exited" ? exit.error : undefined) ?? (said === "" ? how : said);
  const isFull = why.includes("No space left on device");
  throw new KdockError("vm", `the guest could not do it: ${why}`, {
    ...(isFull
      ? { hint: "The guest's files are in its memory: give it more with vm.memory (--memory)." }
      : {}),
  });
}
