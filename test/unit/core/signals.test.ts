import { EventEmitter } from "node:events";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { describe, expect, it } from "vitest";
import { handleSignals, SAME_SIGNAL_MS } from "../../../src/core/signals.js";
import { untilOutput } from "../../support/kdock.js";

/** A process with a clock that the test sets. */
class FakeProcess extends EventEmitter {
  readonly pid = 1;
  readonly did: string[] = [];
  time = 0;

  constructor() {
    super();
    handleSignals(this, {
      interrupt: () => this.did.push("interrupt"),
      beforeKill: () => this.did.push("restore"),
      now: () => this.time,
    });
  }

  kill(_pid: number, signal: NodeJS.Signals): void {
    this.did.push(`ended by ${signal}, ${this.listenerCount(signal)} listeners`);
  }

  signalAt(time: number, signal: NodeJS.Signals): void {
    this.time = time;
    this.emit(signal, signal);
  }
}

describe("handleSignals", () => {
  it("interrupts at the first signal, and ends the process at a later one", () => {
    const process = new FakeProcess();
    process.signalAt(5000, "SIGINT");
    process.signalAt(5000 + SAME_SIGNAL_MS, "SIGTERM");
    expect(process.did).toEqual(["interrupt", "restore", "ended by SIGTERM, 0 listeners"]);
  });

  it("ignores signals within a second after the first", () => {
    const process = new FakeProcess();
    for (const time of [0, 3, SAME_SIGNAL_MS - 1]) process.signalAt(time, "SIGINT");
    expect(process.did).toEqual(["interrupt"]);
    // Counted from the first: repeated Ctrl-C ends the process.
    process.signalAt(SAME_SIGNAL_MS + 1, "SIGINT");
    expect(process.did).toHaveLength(3);
  });

  it("lets the process clean up after two signals in quick succession", async () => {
    const program = fileURLToPath(new URL("take-signals.ts", import.meta.url));
    const child = execa("node", ["--import", "tsx", program], { reject: false });
    await untilOutput(child.stdout, "ready\n");
    process.kill(child.pid ?? 0, "SIGTERM");
    // Another signal: two of the same number may be merged.
    process.kill(child.pid ?? 0, "SIGHUP");
    const { stdout, exitCode, signal } = await child;
    expect({ stdout, exitCode, signal }).toEqual({
      ...{ stdout: "ready\ninterrupted\nboth came\nclean", exitCode: 130, signal: undefined },
    });
  });
});
