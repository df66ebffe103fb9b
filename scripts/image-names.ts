/** Writes images/IMAGE/names.sh: `npm run names`. */
import { writeFile } from "node:fs/promises";
import { imageNames, NAMED_IMAGES } from "../src/core/plan/image-names.js";

for (const image of NAMED_IMAGES) {
  await writeFile(new URL(`../images/${image}/names.sh`, import.meta.url), imageNames(image));
}
