import { spawn } from "node:child_process";
import { Socket } from "node:net";
import type { KillWatch } from "./host.js";
import type { Env } from "./processes.js";

/** The end of its input without a word means that whoever held the other end is gone. */
const WATCH = 'read -r word || exec "$@"';

/**
 * A shell that sleeps in a session of its own, so that what ends us does not end it. Where there is no sh, nobody
 * watches: what is left then is for the next command.
 */
export function ifKilled(env: Env, argv: readonly string[], folder: string): KillWatch {
  const child = spawn("sh", ["-c", WATCH, "kdock-watch", ...argv], {
    ...{ cwd: folder, env, detached: true },
    stdio: ["pipe", "ignore", "ignore"],
  });
  for (const each of [child, child.stdin]) each.on("error", () => undefined);
  child.unref();
  // The pipe is a socket, and holds up our end otherwise.
  if (child.stdin instanceof Socket) child.stdin.unref();
  return {
    callOff() {
      child.stdin.end("done\n");
    },
  };
}
