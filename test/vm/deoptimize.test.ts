import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Manifest } from "../../src/core/plan/manifest.js";
import { kdock, type Outcome, ROOT, start } from "../support/kdock.js";
import { inGuest, LAB, LAB_NAMES, withGuest } from "../support/lab.js";

const FILE = "net/ipv4/tcp_ipv4.c";
/** It has a BUILD_BUG() in a function that gcc removes as unused, but not with -Og. */
const NEEDS_O1 = "mm/page_alloc.c";
/** In the order in which a connection calls them. */
const FUNCTIONS = ["tcp_v4_connect", "tcp_v4_rcv", "tcp_v4_do_rcv"];

const inLab = (...args: string[]) => kdock(args, { cwd: LAB });
const flags = (...files: string[]) => files.flatMap((file) => ["--deoptimize", file]);

/** The result of test/gdb/step_through.py. */
interface Walk {
  readonly function: string;
  readonly steps: number;
  /** How often the line number decreased. */
  readonly backward: number;
  /** Arguments and locals in scope, over all steps; `missing` of them were `<optimized out>`. */
  readonly values: number;
  readonly missing: number;
}

/** Boots the kernel with these flags and steps through FUNCTIONS during a loopback connection in the guest. */
async function walkThrough(...kernel: string[]): Promise<Walk[]> {
  const started = await inLab("run", "-d", "--gdb", "0", ...kernel);
  expect(started.exitCode, started.stderr).toBe(0);
  try {
    const script = await readFile(`${ROOT}test/gdb/step_through.py`, "utf8");
    const lines = ["python", `functions = ${JSON.stringify(FUNCTIONS)}`, script, "end", ""];
    return await withGuest(LAB_NAMES.vmContainer, async (session) => {
      const listener = inGuest(session, "nc -l -p 9090");
      await inGuest(session, "until netstat -ltn | grep -q :9090; do usleep 20000; done");
      const debugging = start(["gdb"], { cwd: LAB, input: lines.join("\n") });
      await untilReady(debugging.stdout);
      const client = inGuest(session, "echo hi | nc 127.0.0.1 9090");
      const { stdout, stderr } = await debugging;
      // After gdb has detached, the connection works.
      await client;
      expect((await listener).stdout).toBe("hi\n");
      const [, json] = /^walked (.*)$/m.exec(stdout) ?? [];
      if (json === undefined) throw new Error(`no result from gdb: ${stdout}${stderr}`);
      return JSON.parse(json) as Walk[];
    });
  } finally {
    await inLab("stop");
  }
}

function untilReady(output: NodeJS.ReadableStream): Promise<void> {
  let seen = "";
  return new Promise((resolve, reject) => {
    output.on("data", (chunk) => {
      seen += String(chunk);
      if (seen.includes("ready")) resolve();
    });
    output.on("end", () => {
      reject(new Error(`gdb ended early: ${seen}`));
    });
  });
}

function sum(walks: readonly Walk[], what: "backward" | "values" | "missing"): number {
  return walks.reduce((total, walk) => total + walk[what], 0);
}

/** Printed; the source of the numbers in the documentation. */
function walksText(name: string, walks: readonly Walk[]): string {
  return [`${name}:`]
    .concat(
      walks.map(
        ({ function: called, steps, backward, values, missing }) =>
          `  ${called}: ${steps} steps, ${backward} backward, ${missing} of ${values} <optimized out>`,
      ),
    )
    .join("\n");
}

it("reports all unusable files before anything is compiled", async () => {
  const { exitCode, stderr } = await inLab(
    "build",
    "kernel",
    ...flags("net/tcp_ipv4.c", "net/ipv4/tcp_bbr.c", "kernel/sched/rt.c", "arch/x86/boot/main.c"),
  );
  expect(stderr).toContain("net/tcp_ipv4.c: this kernel's source has no such file");
  expect(stderr).toContain("did you mean net/ipv4/tcp_ipv4.c?");
  expect(stderr).toMatch(/tcp_bbr\.c: .* needs CONFIG_TCP_CONG_BBR \(net\/ipv4\/Makefile\)/);
  expect(stderr).toMatch(/rt\.c: .*kernel\/sched\/build_policy\.c includes it; name that/);
  expect(stderr).toContain("arch/x86/boot/main.c: it is no part of the running kernel");
  expect(exitCode).toBe(2);
});

describe("files of kernel.deoptimize", () => {
  let built: Outcome;
  beforeAll(async () => {
    built = await inLab("build", "kernel", ...flags(FILE, NEEDS_O1));
  });
  // The other tests use `current`.
  afterAll(() => inLab("build"));

  it("get the lowest optimization level that they build with, which is reported", async () => {
    expect(built.exitCode, built.stderr).toBe(0);
    expect(built.stdout + built.stderr).toMatch(
      /mm\/page_alloc\.c is compiled with -O1: with -Og it does not compile \(BUILD_BUG failed\)/,
    );
    const manifest = JSON.parse(
      await readFile(`${LAB}/.kdock/out/current/kernel/manifest.json`, "utf8"),
    ) as Manifest;
    expect(manifest.deoptimized).toEqual({ [FILE]: "-Og", [NEEDS_O1]: "-O1" });
    expect(manifest.inputs["deoptimize"]).toBe(`${NEEDS_O1} ${FILE}`);
    // The same commands, typed by hand, give the same kernel.
    expect(manifest.commands).toContainEqual(
      "export 'KDOCK_OPTIMIZE=mm/page_alloc.o=-O1 net/ipv4/tcp_ipv4.o=-Og'",
    );
  });

  it("are stepped through with fewer backward steps and fewer missing values", async () => {
    const after = await walkThrough(...flags(FILE, NEEDS_O1));
    const before = await walkThrough();
    process.stdout.write(
      `${walksText("as usual", before)}\n${walksText("kernel.deoptimize", after)}\n`,
    );
    expect(sum(before, "backward")).toBeGreaterThan(2);
    expect(sum(after, "backward")).toBeLessThan(sum(before, "backward") / 2);
    const missing = (walks: readonly Walk[]) => sum(walks, "missing") / sum(walks, "values");
    expect(missing(after)).toBeLessThan(missing(before) * 0.67);
    expect(after.map(({ steps }) => steps > 5)).toEqual(FUNCTIONS.map(() => true));
  });
});
