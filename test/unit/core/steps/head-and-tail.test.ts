import { describe, expect, it } from "vitest";
import { HeadAndTail } from "../../../../src/core/steps/head-and-tail.js";

const ALL = Buffer.from("0123456789abcdefghij");

describe("HeadAndTail", () => {
  it.each([1, 3, 7, 20])(
    "keeps head and tail of chunks of %i bytes, and notes the bytes left out",
    (size) => {
      const kept = new HeadAndTail({ head: 4, tail: 6 });
      for (let at = 0; at < ALL.length; at += size) kept.add(ALL.subarray(at, at + size));
      expect(String(kept.head)).toBe("0123");
      expect(String(kept.tail)).toBe("efghij");
      expect(String(kept.end(3))).toBe("hij");
      expect(kept.leftOut).toBe(10);
      expect(String(kept.text())).toBe("0123\n[kdock] 10 bytes left out here\nefghij");
    },
  );

  it("keeps all of a shorter stream", () => {
    const kept = new HeadAndTail({ head: 4, tail: 100 });
    kept.add(ALL.subarray(0, 2));
    expect(String(kept.text())).toBe("01");
    kept.add(ALL.subarray(2));
    expect(String(kept.text())).toBe(String(ALL));
    expect(String(kept.end(18))).toBe(String(ALL.subarray(2)));
  });
});
