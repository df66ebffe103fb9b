import { expect, it } from "vitest";
import { flood, THE_END } from "../support/flood.js";

/** Memory of Node, kdock's code and its buffers outside V8's heap. */
const BESIDE_HEAP_MIB = 192;

// test/matrix/flood.test.ts does the same with more data.
it("128 MiB of console are read with a heap of 64 MiB, limited on disk, and the VM stops", async () => {
  const { commands, savedBytes, left } = await flood(128 << 20, 64);
  for (const { args, exitCode, peakMiB, end } of commands) {
    expect({ args, exitCode, end }).toMatchObject({ exitCode: 0 });
    expect(peakMiB, args).toBeLessThan(64 + BESIDE_HEAP_MIB);
    // With engine 20.10, a writer that is faster than log rotation makes followers lose the rest.
    if (args === "logs") expect(end).toContain(THE_END);
  }
  expect(savedBytes).toBeLessThan(33 << 20);
  expect(left).toBe("");
});
