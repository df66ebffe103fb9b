import { expect, it } from "vitest";
import { flood, THE_END } from "../support/flood.js";

/** What Node, kdock's code and its buffers need beside V8's heap. */
const BESIDE_HEAP_MIB = 192;

// test/cli/flood.test.ts says the same of as much as a run for every commit has time for.
it("2 GiB of console are read with a heap of 256 MiB", async () => {
  const { commands, savedBytes, left } = await flood(2 ** 31, 256);
  for (const { args, exitCode, peakMiB, end } of commands) {
    expect({ args, exitCode, end }).toMatchObject({ exitCode: 0 });
    expect(peakMiB, args).toBeLessThan(256 + BESIDE_HEAP_MIB);
    // A writer that outruns the engine's rotation of logs costs those who follow the rest (seen with engine 20.10).
    if (args === "logs") expect(end).toContain(THE_END);
  }
  expect(savedBytes).toBeLessThan(33 << 20);
  expect(left).toBe("");
});
