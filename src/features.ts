import type { Command } from "commander";
import type { Kdock } from "./app/kdock.js";

/** What a file of src/commands exports. */
export interface Feature {
  readonly define: (kdock: Kdock) => Command;
  /** Its subcommands. */
  readonly PARTS?: FeatureTable;
}

/** By command name, in the order of --help. */
export type FeatureTable = Readonly<Record<string, () => Promise<Feature>>>;

/** Loading all of them takes longer than most commands run: only --help does. */
export const FEATURES: FeatureTable = {
  init: () => import("./app/commands/init.js"),
  doctor: () => import("./app/commands/doctor.js"),
  plan: () => import("./build/commands/plan.js"),
  lock: () => import("./build/commands/lock.js"),
  verify: () => import("./repro/commands/verify.js"),
  diff: () => import("./repro/commands/diff.js"),
  sbom: () => import("./repro/commands/sbom.js"),
  config: () => import("./kconfig/commands/config.js"),
  build: () => import("./build/commands/build.js"),
  run: () => import("./vm/commands/run.js"),
  kernels: () => import("./vm/commands/kernels.js"),
  matrix: () => import("./fleet/commands/matrix.js"),
  bisect: () => import("./fleet/commands/bisect.js"),
  up: () => import("./vm/commands/up.js"),
  down: () => import("./vm/commands/down.js"),
  ps: () => import("./vm/commands/ps.js"),
  logs: () => import("./vm/commands/logs.js"),
  decode: () => import("./debug/commands/decode.js"),
  console: () => import("./vm/commands/console.js"),
  capture: () => import("./network/commands/capture.js"),
  net: () => import("./network/commands/net.js"),
  exec: () => import("./guest/commands/exec.js"),
  cp: () => import("./guest/commands/cp.js"),
  module: () => import("./modules/commands/module.js"),
  gdb: () => import("./debug/commands/gdb.js"),
  debug: () => import("./debug/commands/debug.js"),
  dap: () => import("./debug/commands/dap.js"),
  trap: () => import("./debug/commands/trap.js"),
  dump: () => import("./memory/commands/dump.js"),
  drgn: () => import("./memory/commands/drgn.js"),
  crash: () => import("./memory/commands/crash.js"),
  stop: () => import("./vm/commands/stop.js"),
  clean: () => import("./app/commands/clean.js"),
  compose: () => import("./vm/commands/compose.js"),
  source: () => import("./editor/commands/source.js"),
  ide: () => import("./editor/commands/ide.js"),
};

export const COMMAND_NAMES: readonly string[] = Object.keys(FEATURES);
