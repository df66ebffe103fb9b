import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readlink, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { ROOT } from "../../support/kdock.js";

let folder: string;
beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "kdock-watch-")));
});
afterEach(() => rm(folder, { recursive: true }));

/** A process that runs `touch here` if it is killed; resolves when the watch is active. */
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

it("ifKilled runs the program in the folder when the process and its group are killed", async () => {
  const child = await watching("setInterval(() => undefined, 1000);");
  expect(ran()).toBe(false);
  process.kill(-(child.pid ?? 0), "SIGKILL");
  await expect.poll(ran, { timeout: 20_000 }).toBe(true);
});

/** Processes whose working directory is the folder: the watch, and what it runs. */
async function inFolder(): Promise<string[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const at = (pid: string) => readlink(`/proc/${pid}/cwd`).catch(() => "");
  const cwds = await Promise.all(pids.map(at));
  return pids.filter((_pid, index) => cwds[index] === folder);
}

it("ifKilled does not run the program after cancel, and does not delay the exit", async () => {
  const child = await watching('process.stdin.once("end", () => watch.cancel()).resume();');
  // The watch's shell may still be starting.
  await expect.poll(inFolder, { timeout: 20_000 }).toHaveLength(1);
  child.stdin.end();
  const [code] = (await once(child, "exit")) as [number];
  expect(code).toBe(0);
  await expect.poll(inFolder, { timeout: 20_000 }).toEqual([]);
  expect(ran()).toBe(false);
});
