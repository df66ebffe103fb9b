import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { schemaFile, withReference } from "../../../src/config/reference-page.js";
import { ROOT } from "../../support/kdock.js";

it("docs/reference/kdock-yaml.md has the table that the rows give (npm run docs writes it)", async () => {
  const page = await readFile(`${ROOT}docs/reference/kdock-yaml.md`, "utf8");
  expect(withReference(page)).toBe(page);
});

it("docs/reference/kdock-yaml.schema.json is the schema's (npm run docs writes it)", async () => {
  const file = await readFile(`${ROOT}docs/reference/kdock-yaml.schema.json`, "utf8");
  expect(schemaFile()).toBe(file);
});
