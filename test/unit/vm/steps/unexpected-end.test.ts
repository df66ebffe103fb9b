import { expect, it } from "vitest";
import { endedOr } from "../../../../src/vm/steps/unexpected-end.js";

it("explains a broken connection by the end of the VM", async () => {
  const end = new Error("the VM ended");
  const ended = Promise.reject(end);
  expect(await endedOr(ended, new Error("broken"))).toBe(end);
});
