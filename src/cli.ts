#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { fileURLToPath } from "node:url";
import { exitCodeOf, KdockError } from "./core/errors.js";
import { flushOutput } from "./core/flush.js";
import { main } from "./main.js";
import { OutputError } from "./core/output-error.js";
import { handleSignals } from "./core/signals.js";
import type { World } from "./core/world.js";

const restores: (() => void)[] = [];
const interrupt = new AbortController();

const restore = () => {
  for (const each of restores) each();
};
handleSignals(process, {
  interrupt: () => {
    interrupt.abort(new KdockError("interrupted", "interrupted"));
  },
  beforeKill: restore,
  now: () => performance.now(),
});
process.on("exit", restore);
// A write that fails ends the command as a signal does. Later failures, while it cleans up, change nothing.
for (const name of ["stdout", "stderr"] as const) {
  process[name].on("error", (error) => {
    interrupt.abort(new OutputError(name, error));
  });
}

const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
  version: string;
};

const world: World = {
  env: process.env,
  home: homedir(),
  version: manifest.version,
  cwd: process.cwd(),
  uid: process.geteuid?.(),
  self: [process.execPath, ...process.execArgv, fileURLToPath(import.meta.url)],
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  signal: interrupt.signal,
  onExit: (each) => restores.push(each),
};
const exitCode = await main(process.argv.slice(2), world);
// What main said of an error may have failed to be written.
await flushOutput(world);
process.exitCode = interrupt.signal.aborted ? exitCodeOf(interrupt.signal.reason) : exitCode;
// A reader that reads no further, or a connection that nothing closed, must not keep an interrupted process.
// eslint-disable-next-line n/no-process-exit
if (interrupt.signal.aborted) process.exit();
// A pipe or terminal that nobody reads any more must not keep the process.
// (stdin from a file is a stream that has nothing to hold on to.)
if ("unref" in process.stdin) process.stdin.unref();
