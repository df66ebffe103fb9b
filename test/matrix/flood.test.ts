import { expect, it } from "vitest";
import { flood, THE_END } from "../support/flood.js";

/** Memory of Node, kdock's code and its buffers outside V8's heap. */
const BESIDE_HEAP_MIB = 192;

// test/cli/flood.test.ts does the same with less data.
it("2 GiB of console are read with a heap of 256 MiB", async () => {
  const { commands, savedBytes, left } = await flood(2 ** 31, 256);
  for (const { args, exitCode, peakMiB, end } of commands) {
    expect({ args, exitCode, end }).toMatchObject({ exitCode: 0 });
    expect(peakMiB, args).toBeLessThan(256 + BESIDE_HEAP_MIB);
    // With engine 20.10, a writer that is faster than log rotation makes followers lose the rest.
    if (args === "logs") expect(end).toContain(THE_END);
  }
  expect(savedBytes).toBeLessThan(33 << 20);
  expect(left).toBe("");
});
