import { once } from "node:events";
import { handleSignals } from "../../../src/core/signals.js";

/** A program: prints when it is interrupted, and cleans up after both SIGTERM and SIGHUP. */
const alive = setInterval(() => undefined, 1000);
const say = (line: string) => process.stdout.write(`${line}\n`);
const both = Promise.all([once(process, "SIGTERM"), once(process, "SIGHUP")]);
handleSignals(process, {
  interrupt: () => say("interrupted"),
  beforeKill: () => say("ended at once"),
  now: () => performance.now(),
});
say("ready");
await both;
say("both came");
say("clean");
clearInterval(alive);
process.exitCode = 130;
