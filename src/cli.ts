#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { fileURLToPath } from "node:url";
import { KdockError } from "./errors.js";
import { main } from "./main.js";

const restores: (() => void)[] = [];
const interrupt = new AbortController();

const restore = () => {
  for (const each of restores) each();
};
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.once(signal, () => {
    interrupt.abort(new KdockError("interrupted", "interrupted"));
    // A second one ends the process at once, as it would have without us.
    process.once(signal, () => {
      restore();
      process.kill(process.pid, signal);
    });
  });
}
process.on("exit", restore);
// `kdock logs | head` closes our stdout: that is the reader's right, not an error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE")
    interrupt.abort(new KdockError("interrupted", "the reader went away"));
});

const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
  version: string;
};

process.exitCode = await main(process.argv.slice(2), {
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
});
// A pipe or terminal that nobody reads any more must not keep the process.
// (stdin from a file is a stream that has nothing to hold on to.)
if ("unref" in process.stdin) process.stdin.unref();
