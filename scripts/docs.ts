/** Writes the part of README.md that is generated: `npm run docs`. */
import { readFile, writeFile } from "node:fs/promises";
import { withReference } from "../src/config/readme.js";

const path = new URL("../README.md", import.meta.url);
await writeFile(path, withReference(await readFile(path, "utf8")));
