/** Writes the generated parts of docs/reference, and package.json's list of the manual: `npm run docs`. */
import { readFile, writeFile } from "node:fs/promises";
import { schemaFile, withReference } from "../src/config/reference-page.js";
import { commandReference } from "./command-reference.js";
import { manPages } from "./man-pages.js";

const folder = new URL("../docs/reference/", import.meta.url);

const keys = new URL("kdock-yaml.md", folder);
await writeFile(keys, withReference(await readFile(keys, "utf8")));
await writeFile(new URL("kdock-yaml.schema.json", folder), schemaFile());
await writeFile(new URL("commands.md", folder), await commandReference());

const manifest = new URL("../package.json", import.meta.url);
const text = await readFile(manifest, "utf8");
const man = [...(await manPages("")).keys()].sort().map((name) => `./man/${name}`);
await writeFile(
  manifest,
  `${JSON.stringify({ ...(JSON.parse(text) as object), man }, undefined, 2)}\n`,
);
