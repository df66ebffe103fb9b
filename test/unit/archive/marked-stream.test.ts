import { Readable } from "node:stream";
import { expect, it } from "vitest";
import { MarkedStream } from "../../../src/archive/marked-stream.js";

const TEXT = "one-+-two-+ +-+-+-three\nfour-+-";

/** For all chunk sizes. */
it.each([1, 2, 3, 4, 5, 7, 100])(
  "MarkedStream reads from marker to marker in chunks of %i",
  async (size) => {
    const chunks = Array.from({ length: Math.ceil(TEXT.length / size) }, (_, at) =>
      Buffer.from(TEXT.slice(at * size, (at + 1) * size)),
    );
    const stream = new MarkedStream(Readable.from(chunks));
    expect(await stream.textBefore("-+-", "a text", 100)).toBe("one");
    expect(await stream.textBefore("-+-", "a text", 100)).toBe("two-+ +");
    expect(await stream.byte()).toBe("+");
    expect(await stream.byte()).toBe("-");
    expect(await stream.textBefore("\n", "a line", 100)).toBe("three");
    expect(await stream.textBefore("-+-", "a text", 100)).toBe("four");
    await expect(stream.byte()).rejects.toMatchObject({ code: "vm" });
  },
);

it("MarkedStream rejects if the stream ends before the marker", async () => {
  const stream = new MarkedStream(Readable.from([Buffer.from("one-+")]));
  await expect(stream.textBefore("-+-", "a text", 100)).rejects.toThrow("ended early");
});

it("textBefore rejects a text that is too long, before its end", async () => {
  let sent = 0;
  const endless = Readable.from(
    (function* () {
      for (;;) {
        sent += 10;
        yield Buffer.from("0123456789");
      }
    })(),
    { objectMode: false, highWaterMark: 10 },
  );
  const text = new MarkedStream(endless).textBefore("-+-", "a path", 100);
  await expect(text).rejects.toMatchObject({
    code: "vm",
    message: "the guest sent more than 100 bytes for a path",
  });
  expect(sent).toBeLessThan(200);
});

it("textBefore accepts a text of the maximum length", async () => {
  const stream = new MarkedStream(Readable.from([Buffer.from("12345-+-")]));
  expect(await stream.textBefore("-+-", "a path", 5)).toBe("12345");
});
