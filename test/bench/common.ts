/** What every part of the bench measures with, and how it says what it found. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { execa } from "execa";
import { loadConfig } from "../../src/config/layers.js";
import { connectEngine } from "../../src/engine/connect.js";
import { createNodeHost } from "../../src/host/node-host.js";
import { parseLock } from "../../src/build/lock/lock-text.js";
import { makePlan } from "../../src/build/plan/plan.js";
import { readAssets } from "../../src/app/project.js";
import { CLI } from "../support/kdock.js";
import { LAB } from "../support/lab.js";
import { NO_FILES } from "../unit/fixtures.js";

/** Every part once, with the least work, to see that it still runs: its figures mean nothing. */
export const SMOKE = process.argv.includes("--smoke");

/** How often something is measured. */
export const times = (wanted: number) => (SMOKE ? 1 : wanted);

const RUNS = times(3);
export const host = createNodeHost({ env: process.env });
export const config = loadConfig({});
const lock = parseLock(readFileSync(join(LAB, "kdock.lock"), "utf8"), "kdock.lock");
const assets = await readAssets(host.files);
export const plan = makePlan({
  engine: "x86_64",
  folder: LAB,
  config,
  assets,
  user: NO_FILES,
  lock,
});
export const engine = await connectEngine({
  env: process.env,
  home: process.env["HOME"] ?? "/root",
  onLeak: () => undefined,
});

export function median(work: () => Promise<unknown>): Promise<number> {
  return medianOf(() => taken(work));
}

async function taken(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/**
 * Of two things in turn, so that a machine that is slower for a while is so for both: what matters is their difference.
 * What one has left to be written to the disk is not for the other to wait for.
 */
export async function medians(
  runs: number,
  one: () => Promise<unknown>,
  other: () => Promise<unknown>,
): Promise<[one: number, other: number]> {
  const [ones, others]: [number[], number[]] = [[], []];
  for (let run = 0; run < runs; run += 1) {
    await execa("sync");
    ones.push(await taken(one));
    await execa("sync");
    others.push(await taken(other));
  }
  return [middle(ones), middle(others)];
}

export async function medianOf(measure: () => Promise<number>): Promise<number> {
  const taken: number[] = [];
  for (let run = 0; run < RUNS; run += 1) taken.push(await measure());
  return middle(taken);
}

function middle(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}

export const kdock = (...args: string[]) =>
  execa("node", [CLI, ...args], { cwd: LAB, stdin: "ignore" });

/** What somebody types in the builder's image; words for make may follow. */
export function bareMake(objects: string): string {
  return `make -C /src O=${objects} CC="ccache gcc-14" HOSTCC=gcc-14 HOSTCFLAGS=-O2 -j"$(nproc)"`;
}

export function report(what: string, ms: number, bareName: string, bareMs: number): void {
  if (!(ms > 0 && bareMs > 0)) throw new Error(`${what}: ${ms} ms, ${bareName}: ${bareMs} ms`);
  const ratio = (ms / bareMs).toFixed(2);
  const difference = (ms - bareMs).toFixed(0);
  process.stdout.write(
    `${what.padEnd(34)} ${figure(ms)} ms   ${bareName.padEnd(30)} ${figure(bareMs)} ms   ×${ratio}  ${difference} ms more\n`,
  );
}

/** Milliseconds; where there are few, to a tenth. */
function figure(ms: number): string {
  return ms.toFixed(ms < 100 ? 1 : 0).padStart(6);
}
