#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { KdockError } from "./errors.js";
import { main } from "./main.js";

const restores: (() => void)[] = [];
const interrupt = new AbortController();

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  // Once: a second one falls through to Node and ends the process at once.
  process.once(signal, () => {
    interrupt.abort(new KdockError("interrupted", "interrupted"));
  });
}
process.on("exit", () => {
  for (const restore of restores) restore();
});
// `kdock logs | head` closes our stdout: that is the reader's right, not an error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") interrupt.abort(new KdockError("interrupted", "the reader went away"));
});

const manifest = JSON.parse(
  readFileSync(new URL("../package.json", import.meta.url), "utf8"),
) as { version: string };

process.exitCode = await main(
  process.argv.slice(2),
  {
    env: process.env,
    home: homedir(),
    cwd: process.cwd(),
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    signal: interrupt.signal,
    onExit: (restore) => restores.push(restore),
  },
  manifest.version,
);
// A pipe or terminal that nobody reads any more must not keep the process.
process.stdin.unref();
