import { Readable } from "node:stream";
import { expect, it } from "vitest";
import { MarkedStream } from "../../../src/archive/marked-stream.js";

const TEXT = "one-+-two-+ +-+-+-three\nfour-+-";

/** However the bytes are cut. */
it.each([1, 2, 3, 4, 5, 7, 100])("reads from marker to marker in chunks of %i", async (size) => {
  const chunks = Array.from({ length: Math.ceil(TEXT.length / size) }, (_, at) =>
    Buffer.from(TEXT.slice(at * size, (at + 1) * size)),
  );
  const stream = new MarkedStream(Readable.from(chunks));
  expect(await stream.textBefore("-+-")).toBe("one");
  expect(await stream.textBefore("-+-")).toBe("two-+ +");
  expect(await stream.byte()).toBe("+");
  expect(await stream.byte()).toBe("-");
  expect(await stream.textBefore("\n")).toBe("three");
  expect(await stream.textBefore("-+-")).toBe("four");
  await expect(stream.byte()).rejects.toMatchObject({ code: "vm" });
});

it("rejects a stream that ends before the marker", async () => {
  const stream = new MarkedStream(Readable.from([Buffer.from("one-+")]));
  await expect(stream.textBefore("-+-")).rejects.toThrow("ends too early");
});
