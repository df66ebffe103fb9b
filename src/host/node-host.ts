import { machine } from "node:os";
import { exchange } from "./exchange.js";
import type { Host } from "./host.js";
import { ifKilled } from "./kill-watch.js";
import { nodeFiles } from "./node-files.js";
import { portIsFree, portOwner } from "./ports.js";
import { capture, stream, which, type Env } from "./processes.js";
import { freeBytes } from "./read-files.js";
import { receive } from "./receive.js";
import { inThread } from "./thread.js";

/** `env` is the environment of programs, with the PATH to search. */
export function createNodeHost({ env }: { readonly env: Env }): Host {
  return {
    now: () => Date.now(),
    // macOS reports arm64.
    machine: machine() === "arm64" ? "aarch64" : machine(),
    files: nodeFiles,
    which: (program) => which(env, program),
    stream: (argv, options) => stream(env, argv, options),
    capture: (argv, options) => capture(env, argv, options),
    ifKilled: (argv, folder) => ifKilled(env, argv, folder),
    inThread,
    receive,
    freeBytes,
    portIsFree,
    portOwner,
    exchange,
  };
}
