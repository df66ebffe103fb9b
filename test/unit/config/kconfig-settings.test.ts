import { expect, it } from "vitest";
import { parseSettings } from "../../../src/config/kconfig-settings.js";

it.each([
  [true, "y"],
  [false, "n"],
  ["m", "m"],
  [250, "250"],
  ["0xff", "0xff"],
  ["", '""'],
  ["console=ttyS0", '"console=ttyS0"'],
  ['say "hi" \\', '"say \\"hi\\" \\\\"'],
  ['"quoted already"', '"quoted already"'],
  ['"yes"', '"yes"'],
])("writes %j as %s", (value, text) => {
  expect(parseSettings({ X: value })).toEqual({ settings: { CONFIG_X: text }, problems: [] });
});

it.each(["yes", "Off", "a\nb", "a\0"])("refuses %j", (value) => {
  expect(parseSettings({ X: value }).problems).toHaveLength(1);
});
