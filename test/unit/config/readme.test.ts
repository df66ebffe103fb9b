import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { withReference } from "../../../src/config/readme.js";
import { ROOT } from "../../support/kdock.js";

it("README.md has the reference that the schema gives (npm run docs writes it)", async () => {
  const readme = await readFile(`${ROOT}README.md`, "utf8");
  expect(withReference(readme)).toBe(readme);
});
