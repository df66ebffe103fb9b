import { expect, it } from "vitest";
import { choicesText } from "../../../src/config/choices.js";
import { ACCELERATORS, ARCHITECTURE_NAMES, NET_MODES } from "../../../src/config/config.js";
import { configKeys } from "../../../src/config/keys.js";

it("a list of choices reads as a person would say it", () => {
  expect(choicesText(["a", "b", "c"])).toBe("a, b or c");
});

it.each([
  ["vm.accel", ACCELERATORS],
  ["vm.net.mode", NET_MODES],
  ["kernel.arch", ARCHITECTURE_NAMES],
] as const)("the reference of %s names its choices", (name, choices) => {
  expect(configKeys().find((key) => key.name === name)?.form).toBe(choicesText(choices));
});
