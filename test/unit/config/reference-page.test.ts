import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { withReference } from "../../../src/config/reference-page.js";
import { ROOT } from "../../support/kdock.js";

it("docs/reference/kdock-yaml.md has the table that the schema gives (npm run docs writes it)", async () => {
  const page = await readFile(`${ROOT}docs/reference/kdock-yaml.md`, "utf8");
  expect(withReference(page)).toBe(page);
});
