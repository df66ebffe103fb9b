import { readdir, readFile, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { expect, it } from "vitest";
import { lock } from "../../../src/host/lock.js";
import { useTemporaryFolder } from "./temporary-folder.js";

const at = useTemporaryFolder();
const PROGRAM = fileURLToPath(new URL("take-lock.ts", import.meta.url));

/** Holds the lock while `use` runs. */
async function locked(use: () => Promise<unknown>, path = at("lock")): Promise<void> {
  const held = await lock(path, "another build");
  try {
    await use();
  } finally {
    await held[Symbol.asyncDispose]();
  }
}

function taker(...args: string[]) {
  return execa("node", ["--import", "tsx", PROGRAM, ...args], { stdin: "pipe" });
}

async function leaveStale(path: string, id = "stale"): Promise<void> {
  // No Linux gives out a pid this high.
  const owner = { id, pid: 2 ** 30, startTicks: "1", machine: hostname(), since: "" };
  await writeFile(path, JSON.stringify(owner));
}

it("keeps others out until it is disposed of, and leaves nothing", async () => {
  const path = at("deep", "lock");
  await locked(async () => {
    await expect(lock(path, "another build")).rejects.toMatchObject({
      code: "environment",
      message: expect.stringMatching(
        new RegExp(`^another build is running \\(pid ${process.pid}, since \\d{4}-`),
      ) as string,
      hint: expect.stringContaining(`kill ${process.pid}`) as string,
    });
  }, path);
  expect(await readdir(at("deep"))).toEqual([]);
  await locked(() => Promise.resolve(), path);
});

it("keeps another process out, and takes over when that one was killed", async () => {
  const other = taker(at("lock"));
  await new Promise((resolve) => other.stdout.once("data", resolve));
  await expect(lock(at("lock"), "x")).rejects.toThrow(`(pid ${other.pid ?? 0},`);
  other.kill("SIGKILL");
  await other.catch(() => undefined);
  await locked(async () => {
    expect(await readdir(at())).toEqual(["lock"]);
  });
}, 20_000);

it.each([
  ["a process that is gone", () => leaveStale(at("lock"))],
  ["a pid that is somebody else's now", () => leaveOurPid("1")],
  ["something that is no lock", () => writeFile(at("lock"), "gibberish")],
  ["an heir that is gone, too", leaveDeadHeir],
])("takes over what %s left behind", async (_what, leave) => {
  await leave();
  await locked(async () => {
    expect(await readFile(at("lock"), "utf8")).toContain(`"pid":${process.pid},`);
  });
  expect(await readdir(at())).toEqual([]);
});

async function leaveOurPid(startTicks: string): Promise<void> {
  const owner = { id: "old", pid: process.pid, startTicks, machine: hostname(), since: "" };
  await writeFile(at("lock"), JSON.stringify(owner));
}

async function leaveDeadHeir(): Promise<void> {
  await leaveStale(at("lock"), "first");
  await leaveStale(at("lock.after-first"), "second");
}

it("does not judge another machine's processes", async () => {
  const owner = { id: "far", pid: 1, startTicks: "1", machine: "elsewhere", since: "today" };
  await writeFile(at("lock"), JSON.stringify(owner));
  await expect(lock(at("lock"), "x")).rejects.toMatchObject({
    message: "x is running (pid 1 on elsewhere, since today)",
    hint: `Wait for it to end; if it is gone for good, remove ${at("lock")}.`,
  });
});

it("leaves a lock alone that is not its own any more", async () => {
  await locked(() => leaveStale(at("lock")));
  expect(await readdir(at())).toEqual(["lock"]);
});

it("lets one of many have a stale lock", async () => {
  for (let round = 0; round < 30; round++) {
    await leaveStale(at("lock"), `stale-${round}`);
    const tries = await Promise.allSettled(Array.from({ length: 8 }, () => lock(at("lock"), "x")));
    const taken = tries.filter((result) => result.status === "fulfilled");
    expect(taken).toHaveLength(1);
    await taken[0]?.value[Symbol.asyncDispose]();
    expect(await readdir(at())).toEqual([]);
  }
});

it("lets one of several processes have a stale lock", async () => {
  await leaveStale(at("lock"));
  const others = Array.from({ length: 4 }, () => taker(at("lock"), "3000"));
  const said = await Promise.all(others.map(async (other) => (await other).stdout));
  expect(said.filter((line) => line === "taken")).toHaveLength(1);
  expect(said.filter((line) => line.startsWith("a test is running (pid "))).toHaveLength(3);
}, 30_000);
