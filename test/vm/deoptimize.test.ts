import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { kdock, ROOT, start } from "../support/kdock.js";
import { inGuest, LAB, LAB_NAMES, withGuest } from "../support/lab.js";

const FILE = "net/ipv4/tcp_ipv4.c";

/** What test/gdb/step_through.py counts. */
interface Walk {
  readonly function: string;
  readonly level: string;
  readonly steps: number;
  /** Times that the next line was above the one before. */
  readonly backward: number;
  /** Arguments and locals in scope, over all steps; and how many of them were `<optimized out>`. */
  readonly values: number;
  readonly missing: number;
}

/** Boots the kernel of these flags and steps through tcp_v4_rcv with the first segment of a connection. */
async function walkThrough(...flags: string[]): Promise<Walk> {
  const started = await kdock(["run", "-d", "--gdb", "0", ...flags], { cwd: LAB });
  expect(started.exitCode, started.stderr).toBe(0);
  try {
    const script = await readFile(`${ROOT}test/gdb/step_through.py`, "utf8");
    return await withGuest(LAB_NAMES.vmContainer, async (session) => {
      const listener = inGuest(session, "nc -l -p 9090");
      await inGuest(session, "until netstat -ltn | grep -q :9090; do usleep 20000; done");
      const commands = ["break tcp_v4_rcv", "python gdb.flush()", "continue", "delete"];
      const debugging = start(["gdb", ...flags.slice(0, 0)], {
        cwd: LAB,
        input: [...commands, "python", script, "end", ""].join("\n"),
      });
      await untilArmed(debugging.stdout);
      const knock = inGuest(session, "echo hi | nc 127.0.0.1 9090");
      const { stdout, stderr } = await debugging;
      // The guest goes on where the debugger left it, and the kernel still does what it did.
      await knock;
      expect((await listener).stdout).toBe("hi\n");
      const [, json] = /^walked (.*)$/m.exec(stdout) ?? [];
      if (json === undefined) throw new Error(`gdb walked nowhere: ${stdout}${stderr}`);
      return JSON.parse(json) as Walk;
    });
  } finally {
    await kdock(["stop"], { cwd: LAB });
  }
}

function untilArmed(output: NodeJS.ReadableStream): Promise<void> {
  let seen = "";
  return new Promise((resolve, reject) => {
    output.on("data", (chunk) => {
      seen += String(chunk);
      if (seen.includes("Breakpoint 1 at")) resolve();
    });
    output.on("end", () => {
      reject(new Error(`gdb ended early: ${seen}`));
    });
  });
}

describe("a file of kernel.deoptimize", () => {
  it("is easier to read", async () => {
    const before = await walkThrough();
    console.log(JSON.stringify(before));
    const after = await walkThrough("--deoptimize", FILE);
    console.log(JSON.stringify(after));
  });
});
