import { expect, it } from "vitest";
import { standstillText } from "../../../../src/guest/steps/standstill.js";

it("tells a debugger's stop from a machine that is broken", () => {
  expect(standstillText("running")).toBeUndefined();
  expect(standstillText("debug")).toMatch(/stopped by a debugger/);
  expect(standstillText("prelaunch")).toMatch(/stopped by a debugger/);
  expect(standstillText("io-error")).toMatch(/QEMU calls it io-error/);
});
