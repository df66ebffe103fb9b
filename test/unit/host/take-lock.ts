import { nodeFiles } from "../../../src/host/node-files.js";

/** A program: takes the lock, prints that, and holds it until stdin ends or for the given time. */
const [path = "", holdMs] = process.argv.slice(2);
try {
  const held = await nodeFiles.lock(path, "a test");
  process.stdout.write("taken\n");
  if (holdMs === undefined)
    await new Promise((resolve) => process.stdin.resume().once("end", resolve));
  else await new Promise((resolve) => setTimeout(resolve, Number(holdMs)));
  await held[Symbol.asyncDispose]();
} catch (error) {
  process.stdout.write(`${error instanceof Error ? error.message : String(error)}\n`);
}
