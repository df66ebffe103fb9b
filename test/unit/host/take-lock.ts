import { nodeFiles } from "../../../src/host/node-files.js";

/** Run as a program: takes the lock, says so, and holds it until stdin ends or for the time given. */
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
