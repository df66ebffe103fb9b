import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { commandReference } from "../../scripts/command-reference.js";
import { COMMAND_NAMES } from "../../src/features.js";
import { ROOT } from "../support/kdock.js";

it("docs/reference/commands.md has what --help prints (npm run docs writes it)", async () => {
  const page = await readFile(`${ROOT}docs/reference/commands.md`, "utf8");
  expect(await commandReference()).toBe(page);
});

it("the reference has a section for each command", async () => {
  const page = await commandReference();
  expect(COMMAND_NAMES.filter((name) => !page.includes(`\n## kdock ${name}\n`))).toEqual([]);
});
