import { describe, expect, it } from "vitest";
import { orAborted } from "../../../src/core/or-aborted.js";

const never = new Promise<never>(() => undefined);

describe("orAborted", () => {
  it("settles as the work does", async () => {
    const { signal } = new AbortController();
    expect(await orAborted(signal, Promise.resolve(4))).toBe(4);
    await expect(orAborted(signal, Promise.reject(new Error("no")))).rejects.toThrow("no");
  });

  it("rejects with the signal's reason, if aborted before or during the work", async () => {
    const before = AbortSignal.abort(new Error("early"));
    await expect(orAborted(before, never)).rejects.toThrow("early");
    const meanwhile = new AbortController();
    const waiting = orAborted(meanwhile.signal, never);
    meanwhile.abort(new Error("late"));
    await expect(waiting).rejects.toThrow("late");
  });
});
