import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { ROOT } from "../../support/kdock.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "kdock-watch-"));
});
afterEach(() => rm(folder, { recursive: true }));

/** A process that has `touch here` run if it is killed; resolves when the watch stands. */
async function watching(then: string) {
  const script = `
    import { ifKilled } from ${JSON.stringify(`${ROOT}src/host/kill-watch.ts`)};
    const watch = ifKilled(process.env, ["touch", "here"], ${JSON.stringify(folder)});
    console.log("stands");
    ${then}`;
  await writeFile(join(folder, "it.ts"), script);
  const child = spawn("npx", ["tsx", join(folder, "it.ts")], { cwd: ROOT, detached: true });
  await once(child.stdout, "data");
  return child;
}

const ran = () => existsSync(join(folder, "here"));

it("runs the program in its folder when the process and its group are killed", async () => {
  const child = await watching("setInterval(() => undefined, 1000);");
  expect(ran()).toBe(false);
  process.kill(-(child.pid ?? 0), "SIGKILL");
  await expect.poll(ran, { timeout: 5000 }).toBe(true);
});

it("does not when it was called off, and holds up nobody's end", async () => {
  const child = await watching("watch.callOff();");
  const [code] = (await once(child, "exit")) as [number];
  expect(code).toBe(0);
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(ran()).toBe(false);
});
