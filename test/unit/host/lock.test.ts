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
  // Above the maximum pid of Linux.
  const owner = { id, pid: 2 ** 30, startTicks: "1", machine: hostname(), since: "" };
  await writeFile(path, JSON.stringify(owner));
}

it("lock excludes others until it is disposed of, and leaves no file", async () => {
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

it("lock excludes another process, and replaces the lock of a killed one", async () => {
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
  ["a process that has ended", () => leaveStale(at("lock"))],
  ["a pid of another process", () => leaveOurPid("1")],
  ["something that is no lock", () => writeFile(at("lock"), "gibberish")],
  ["a process that ended while it replaced the lock", leaveDeadHeir],
])("lock replaces the lock of %s", async (_what, leave) => {
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

it("lock respects a lock of another machine", async () => {
  const owner = { id: "far", pid: 1, startTicks: "1", machine: "elsewhere", since: "today" };
  await writeFile(at("lock"), JSON.stringify(owner));
  await expect(lock(at("lock"), "x")).rejects.toMatchObject({
    message: "x is running (pid 1 on elsewhere, since today)",
    hint: `Wait for it to end; if it does not run any more, remove ${at("lock")}.`,
  });
});

it("lock does not remove a lock that was replaced", async () => {
  await locked(() => leaveStale(at("lock")));
  expect(await readdir(at())).toEqual(["lock"]);
});

it("lock gives a stale lock to one of many callers", async () => {
  for (let round = 0; round < 30; round++) {
    await leaveStale(at("lock"), `stale-${round}`);
    const tries = await Promise.allSettled(Array.from({ length: 8 }, () => lock(at("lock"), "x")));
    const taken = tries.filter((result) => result.status === "fulfilled");
    expect(taken).toHaveLength(1);
    await taken[0]?.value[Symbol.asyncDispose]();
    expect(await readdir(at())).toEqual([]);
  }
});

it("lock gives a stale lock to one of several processes", async () => {
  await leaveStale(at("lock"));
  const others = Array.from({ length: 4 }, () => taker(at("lock"), "3000"));
  const outputs = await Promise.all(others.map(async (other) => (await other).stdout));
  expect(outputs.filter((line) => line === "taken")).toHaveLength(1);
  expect(outputs.filter((line) => line.startsWith("a test is running (pid "))).toHaveLength(3);
}, 30_000);
