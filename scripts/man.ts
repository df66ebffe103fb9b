/** Writes the manual to man/, for the package: `npm run man`. */
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { manPages } from "./man-pages.js";

const root = new URL("../", import.meta.url);
const { version } = JSON.parse(await readFile(new URL("package.json", root), "utf8")) as {
  version: string;
};
const folder = new URL("man/", root);
await rm(folder, { recursive: true, force: true });
await mkdir(folder);
for (const [name, text] of await manPages(version)) await writeFile(new URL(name, folder), text);
