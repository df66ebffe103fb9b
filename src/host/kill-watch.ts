import { spawn } from "node:child_process";
import { Socket } from "node:net";
import type { KillWatch } from "./host.js";
import type { Env } from "./processes.js";

/** Runs the program at the end of input without a line: the process that held the pipe has ended. */
const WATCH = 'read -r word || exec "$@"';

/**
 * A shell that waits in a new session, so that a signal to kdock's process group does not end it. Without sh there is no watch,
 * and the next command cleans up.
 */
export function ifKilled(env: Env, argv: readonly string[], folder: string): KillWatch {
  const child = spawn("sh", ["-c", WATCH, "kdock-watch", ...argv], {
    ...{ cwd: folder, env, detached: true },
    stdio: ["pipe", "ignore", "ignore"],
  });
  for (const each of [child, child.stdin]) each.on("error", () => undefined);
  child.unref();
  // The pipe is a socket, which would keep this process running.
  if (child.stdin instanceof Socket) child.stdin.unref();
  return {
    cancel() {
      child.stdin.end("done\n");
    },
  };
}
