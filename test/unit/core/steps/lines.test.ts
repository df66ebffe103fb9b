import { describe, expect, it } from "vitest";
import { linesOf } from "../../../../src/core/steps/lines.js";

async function lines(chunks: readonly string[], max?: number): Promise<string[]> {
  async function* bytes() {
    for (const chunk of chunks) yield await Promise.resolve(Buffer.from(chunk, "latin1"));
  }
  const found: string[] = [];
  for await (const line of linesOf(bytes(), max)) found.push(line);
  return found;
}

describe("linesOf", () => {
  it("splits at line ends, independent of chunks", async () => {
    expect(await lines(["a\r", "\nb", "", "c\n\nGr\xc3", "\xbc\xc3\x9fe"])).toEqual([
      ...["a", "bc", "", "Grüße"],
    ]);
  });

  it("splits a line that is too long", async () => {
    expect(await lines(["0123", "45678", "9ab\nc", "d\n", "0123456"], 4)).toEqual([
      ...["0123", "4567", "89ab", "cd", "0123", "456"],
    ]);
  });
});
