import { expect, it } from "vitest";
import { flood, THE_END } from "../support/flood.js";

/** What Node, kdock's code and its buffers need beside V8's heap. */
const BESIDE_HEAP_MIB = 192;

// test/matrix/flood.test.ts has more than fits into a run for every commit.
it("128 MiB of console are read with a heap of 64 MiB, bounded on the disk, and no reason not to stop", async () => {
  const { commands, savedBytes, left } = await flood(128 << 20, 64);
  for (const { args, exitCode, peakMiB, end } of commands) {
    expect({ args, exitCode, end }).toMatchObject({ exitCode: 0 });
    expect(peakMiB, args).toBeLessThan(64 + BESIDE_HEAP_MIB);
    // A writer that outruns the engine's rotation of logs costs those who follow the rest (seen with engine 20.10).
    if (args === "logs") expect(end).toContain(THE_END);
  }
  expect(savedBytes).toBeLessThan(33 << 20);
  expect(left).toBe("");
});
