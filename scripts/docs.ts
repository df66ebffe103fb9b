/** Writes the generated parts of docs/reference: `npm run docs`. */
import { readFile, writeFile } from "node:fs/promises";
import { schemaFile, withReference } from "../src/config/reference-page.js";
import { commandReference } from "./command-reference.js";

const folder = new URL("../docs/reference/", import.meta.url);

const keys = new URL("kdock-yaml.md", folder);
await writeFile(keys, withReference(await readFile(keys, "utf8")));
await writeFile(new URL("kdock-yaml.schema.json", folder), schemaFile());
await writeFile(new URL("commands.md", folder), await commandReference());
