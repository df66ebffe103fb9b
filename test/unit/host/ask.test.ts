import { PassThrough } from "node:stream";
import { expect, it } from "vitest";
import { ask } from "../../../src/host/ask.js";

it("ask rejects when interrupted, also before the question", async () => {
  const terminal = () => ({
    input: new PassThrough() as unknown as NodeJS.ReadStream,
    output: new PassThrough().resume() as unknown as NodeJS.WriteStream,
  });
  const reason = new Error("interrupted");
  const interrupt = new AbortController();
  const asked = ask("? ", { ...terminal(), signal: interrupt.signal });
  interrupt.abort(reason);
  await expect(asked).rejects.toBe(reason);
  await expect(ask("? ", { ...terminal(), signal: interrupt.signal })).rejects.toBe(reason);
});
