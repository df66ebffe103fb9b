import { relative, resolve } from "node:path";
import type { KeyFlags } from "./commands/flags.js";
import type { UpdatePart } from "./lock/requests.js";
import { EXIT_CODES, KdockError } from "./errors.js";
import type { MemoryTool } from "./plan/memory-plan.js";
import { DETACHED } from "./print.js";
import type { Project } from "./project.js";
import type { Target } from "./steps/build.js";
import type { VmConsole } from "./steps/console-log.js";
import type { Editor } from "./steps/ide.js";
import type { Reporter } from "./ui/reporter.js";
import type { GlobalFlags, World } from "./world.js";

export type { Editor, Target, UpdatePart };

/** What commands may call. Each method prints its result; `exitCode` is set where success has more than one. */
export interface App {
  readonly exitCode: number;
  init(force: boolean): Promise<void>;
  doctor(): Promise<void>;
  plan(flags: KeyFlags): Promise<void>;
  build(options: BuildOptions, flags: KeyFlags): Promise<void>;
  run(options: RunOptions, flags: KeyFlags): Promise<void>;
  ps(all: boolean): Promise<void>;
  logs(follow: boolean): Promise<void>;
  /** A file as typed, "-" for stdin, undefined for the last console. */
  decode(file: string | undefined): Promise<void>;
  console(): Promise<void>;
  stop(): Promise<void>;
  /** Arguments of gdb's own. */
  gdb(args: readonly string[]): Promise<void>;
  trap(options: TrapOptions, flags: KeyFlags): Promise<void>;
  dap(): Promise<void>;
  /** Of the running VM's memory. */
  dump(options: DumpOptions): Promise<void>;
  /** A debugger of memory at rest. */
  memory(options: MemoryOptions): Promise<void>;
  clean(options: { readonly all: boolean; readonly dryRun: boolean }): Promise<void>;
  compose(unlocked: boolean): Promise<void>;
  /** Resolves what is not locked yet, and anew what is named. */
  lock(update: readonly UpdatePart[]): Promise<void>;
  verify(options: VerifyOptions): Promise<void>;
  /** Two stages or sets, each by key or as "current". */
  diff(one: string, two: string): Promise<void>;
  sbom(): Promise<void>;
  exportSource(options: ExportOptions): Promise<void>;
  ide(options: { readonly editor: Editor; readonly force: boolean }): Promise<void>;
}

export interface DumpOptions {
  /** As typed. */
  readonly file: string;
  readonly compress: boolean;
  readonly force: boolean;
}

export interface MemoryOptions {
  readonly tool: MemoryTool;
  /** Path of a dump, as typed; undefined for a fresh one. */
  readonly core: string | undefined;
  /** The tool's own; those that are files of this machine are given to it. */
  readonly args: readonly string[];
}

export interface ExportOptions {
  /** As typed. */
  readonly folder: string;
  readonly force: boolean;
  readonly compileCommands: boolean;
}

export interface BuildOptions {
  readonly targets: readonly Target[];
  readonly noCache: boolean;
  readonly frozen: boolean;
}

export interface VerifyOptions {
  readonly stages: readonly Target[];
  /** Path of a colleague's manifest.json, as typed. */
  readonly manifest: string | undefined;
}

export interface RunOptions {
  readonly command: readonly string[];
  readonly detach: boolean;
  readonly paused: boolean;
  /** As typed; undefined for a place of kdock's choice. */
  readonly dumpTo: string | undefined;
  /** Seconds, as typed. */
  readonly bootTimeout: string;
}

export interface TrapOptions {
  readonly places: readonly string[];
  /** A shell command for the guest. */
  readonly exec: string | undefined;
  readonly condition: string | undefined;
  readonly bt: boolean;
  readonly args: boolean;
  readonly locals: boolean;
  readonly print: readonly string[];
  readonly keep: boolean;
  /** As typed: a number of hits, and seconds. */
  readonly count: string;
  readonly timeout: string;
  readonly bootTimeout: string;
}

/** Exit code of a comparison that found a difference, as with diff and cmp. */
const DIFFERENT = 1;

/** Exit code of a trap that nobody stepped into. */
const NOT_HIT = 1;

/**
 * Every method loads what it needs when it is called: `kdock --help` must not wait for a Docker client, a YAML parser
 * and a spinner.
 */
export function createApp(world: World, reporter: Reporter, globals: () => GlobalFlags): App {
  let exitCode = 0;
  const open = async (
    flags: KeyFlags = {},
    {
      readLock,
    }: { /** What needs names only works beside a broken lock, too. */ readLock: boolean } = {
      readLock: false,
    },
  ): Promise<Project> => {
    const { openProject } = await import("./project.js");
    return openProject(world, globals(), reporter, flags, { readLock });
  };
  const openLocked = (flags: KeyFlags = {}) => open(flags, { readLock: true });
  const printer = async (command: string) => {
    const { createPrinter } = await import("./print.js");
    return createPrinter(world, reporter, globals(), command);
  };

  /** The lock says which debugger reads the trace, and nothing else here needs it. */
  const failWith = async (panic: VmConsole): Promise<never> => {
    const { ctx, plan } = await openLocked();
    const { panicError } = await import("./steps/panic.js");
    throw await panicError(ctx, plan, panic, undefined);
  };

  return {
    get exitCode() {
      return exitCode;
    },

    async init(force) {
      const { writeConfig } = await import("./steps/init.js");
      const { initTemplate } = await import("./config/init-template.js");
      const { createNodeHost } = await import("./host/node-host.js");
      const path = resolve(world.cwd, globals().config ?? "kdock.yaml");
      await writeConfig(createNodeHost({ env: world.env }), path, initTemplate(), force);
      (await printer("init")).result({ path }, [`wrote ${path}`]);
    },

    async doctor() {
      const { ctx, config } = await open();
      const { diagnose } = await import("./steps/doctor.js");
      const findings = await diagnose(ctx, config);
      if (findings.some((finding) => finding.verdict === "fail")) exitCode = EXIT_CODES.environment;
      const { doctorText } = await import("./ui/doctor-text.js");
      (await printer("doctor")).result(findings, doctorText(findings));
    },

    async plan(flags) {
      const { config, plan } = await openLocked(flags);
      const { planData, planText } = await import("./plan/plan-text.js");
      (await printer("plan")).result(planData(config, plan), planText(config, plan));
    },

    async build(options, flags) {
      const project = await openLocked(flags);
      const steps = await import("./steps/build.js");
      const { result } = await steps.build(project, options);
      const lines = result.current === undefined ? [] : [`artifacts: ${result.current}`];
      (await printer("build")).result(result, lines);
    },

    async run(options, flags) {
      const { run } = await import("./steps/run.js");
      const project = await openLocked(flags);
      const request = parseRunOptions(options);
      const dumpTo = options.dumpTo === undefined ? undefined : resolve(world.cwd, options.dumpTo);
      exitCode = await run(project, { ...request, dumpTo }, await printer("run"));
    },

    async ps(all) {
      const { ctx, plan } = await open();
      const { listVms } = await import("./steps/vms.js");
      const { vmTable } = await import("./ui/vm-table.js");
      const rows = await listVms(ctx, all ? undefined : plan.names.id);
      (await printer("ps")).result(rows, vmTable(rows, all));
    },

    async logs(follow) {
      const { ctx, plan } = await open();
      const { streamLogs } = await import("./steps/logs.js");
      const panic = await streamLogs(ctx, plan, follow);
      if (panic !== undefined) await failWith(panic);
    },

    async decode(file) {
      const project = await openLocked();
      const { decodeText } = await import("./steps/decode-text.js");
      const path = file === undefined || file === "-" ? file : resolve(world.cwd, file);
      const result = await decodeText(project, path);
      (await printer("decode")).result(result, result.lines);
    },

    async console() {
      const { ctx, plan } = await open();
      const { openConsole } = await import("./steps/vms.js");
      const { end, panic } = await openConsole(ctx, plan);
      if (panic !== undefined) await failWith(panic);
      (await printer("console")).note(end === "detached" ? DETACHED : "\nthe VM ended");
    },

    async stop() {
      const { ctx, plan } = await open();
      const { stopVms } = await import("./steps/vms.js");
      const stopped = await stopVms(ctx, plan);
      const lines =
        stopped.length > 0 ? stopped.map((name) => `stopped ${name}`) : ["no VM to stop"];
      (await printer("stop")).result({ stopped }, lines);
    },

    async gdb(args) {
      const project = await openLocked();
      const { runGdb } = await import("./steps/run-gdb.js");
      exitCode = await runGdb(project, args);
    },

    async dap() {
      const project = await openLocked();
      const { runDap } = await import("./steps/run-dap.js");
      exitCode = await runDap(project);
    },

    async dump({ file, compress, force }) {
      const project = await open();
      const { dump } = await import("./steps/dump.js");
      const { dumpText } = await import("./ui/dump-text.js");
      const format = compress ? "kdump-zlib" : "elf";
      const result = await dump(project, { path: resolve(world.cwd, file), format, force });
      (await printer("dump")).result(result, dumpText(result));
    },

    async memory({ tool, core, args }) {
      const project = await openLocked();
      const { runMemory } = await import("./steps/memory.js");
      const { filesAmong } = await import("./steps/files-among.js");
      const at = (path: string) => resolve(world.cwd, path);
      exitCode = await runMemory(project, {
        ...{ tool, args, core: core === undefined ? undefined : at(core) },
        files: await filesAmong(project.ctx, args, at),
      });
    },

    async trap({ places, condition, ...options }, flags) {
      const count = numberOf("--count", options.count, { whole: true });
      const timeout = numberOf("--timeout", options.timeout);
      const bootTimeoutSeconds = numberOf("--boot-timeout", options.bootTimeout);
      const project = await openLocked(flags);
      const print = await printer("trap");
      const { trap } = await import("./steps/trap.js");
      const { trapText } = await import("./ui/trap-text.js");
      const { bt, args, locals, print: expressions } = options;
      const asked = {
        ...{ stops: places, condition: condition ?? null, bt, args, locals },
        ...{ print: expressions, count, timeout },
      };
      const result = await trap(project, { ...options, asked, bootTimeoutSeconds }, (event) => {
        print.line(trapText(event));
      });
      if (result.reason !== "count") exitCode = NOT_HIT;
      print.result(result, []);
    },

    async clean({ all, dryRun }) {
      const { ctx, plan } = await open();
      const { findLeavings, removeLeavings } = await import("./steps/clean.js");
      const leavings = await findLeavings(ctx, plan, all);
      if (!dryRun) await removeLeavings(ctx, leavings);
      const verb = dryRun ? "would remove" : "removed";
      const lines = leavings.map(({ kind, name }) => `${verb} ${kind} ${name}`);
      (await printer("clean")).result(
        { dryRun, leavings: leavings.map(({ kind, name }) => ({ kind, name })) },
        lines.length > 0 ? lines : ["nothing to remove"],
      );
    },

    async lock(parts) {
      const project = await openLocked();
      const { updateLock } = await import("./steps/lock.js");
      const { changes } = await updateLock(project, parts);
      const lines = changes.length > 0 ? changes : ["kdock.lock is up to date"];
      (await printer("lock")).result({ changes }, lines);
    },

    async verify({ stages, manifest }) {
      const project = await openLocked();
      const print = await printer("verify");
      if (manifest !== undefined) {
        const { compareWithManifest } = await import("./steps/verify-manifest.js");
        const { comparisonText } = await import("./ui/verify-text.js");
        const found = await compareWithManifest(project, resolve(world.cwd, manifest));
        if (!found.equal) exitCode = DIFFERENT;
        print.result(found, comparisonText(found));
        return;
      }
      const { verify } = await import("./steps/verify.js");
      const { verifyText } = await import("./ui/verify-text.js");
      const found = await verify(project, stages);
      if (!found.equal) exitCode = DIFFERENT;
      print.result(found, verifyText(found));
    },

    async diff(one, two) {
      const { ctx } = await open();
      const { diffArtifacts } = await import("./steps/diff.js");
      const { diffText } = await import("./ui/diff-text.js");
      const diff = await diffArtifacts(ctx, one, two);
      if (!diff.equal) exitCode = DIFFERENT;
      (await printer("diff")).result(diff, diffText(diff));
    },

    async sbom() {
      const { ctx, plan, lock } = await openLocked();
      const { makeSbom } = await import("./steps/sbom.js");
      const text = await makeSbom(ctx, plan, lock);
      (await printer("sbom")).result(JSON.parse(text), [text.trimEnd()]);
    },

    async exportSource({ folder, force, compileCommands }) {
      const { ctx, plan } = await openLocked();
      const { exportSource } = await import("./steps/source-export.js");
      const path = resolve(world.cwd, folder);
      const { home } = world;
      const result = await exportSource(ctx, plan, { path, compileCommands, force, home });
      (await printer("source export")).result(result, [`source: ${result.path}`]);
    },

    async ide({ editor, force }) {
      const { ctx, plan } = await open();
      const { KDOCK_ROOT } = await import("./project.js");
      const { writeIdeFiles } = await import("./steps/ide.js");
      const { config } = globals();
      const flags =
        config === undefined ? [] : ["-c", relative(ctx.folder, resolve(world.cwd, config))];
      const kdockRoot = resolve(KDOCK_ROOT);
      const files = await writeIdeFiles(ctx, plan, { editor, force, flags, kdockRoot });
      const lines = files.map(({ path, state }) => `${state.padEnd(10)} ${path}`);
      (await printer("ide")).result({ files }, lines);
    },

    async compose(unlocked) {
      const { config, plan, ctx } = await open({}, { readLock: !unlocked });
      const { composeFile } = await import("./plan/compose.js");
      const { KDOCK_ROOT } = await import("./project.js");
      world.stdout.write(composeFile(config, plan, relative(ctx.folder, KDOCK_ROOT) || "."));
    },
  };
}

/** A flag's number, more than 0. */
function numberOf(flag: string, typed: string, { whole } = { whole: false }): number {
  const number = Number(typed);
  if (Number.isFinite(number) && number > 0 && (!whole || Number.isInteger(number))) return number;
  const what = whole ? "a whole number from 1" : "a number of seconds";
  throw new KdockError("usage", `${flag}: ${typed} is not ${what}`);
}

function parseRunOptions(options: RunOptions) {
  const bootTimeoutSeconds = numberOf("--boot-timeout", options.bootTimeout);
  if (options.command.length > 0 && (options.detach || options.paused)) {
    throw new KdockError("usage", "a command cannot be run with --detach or --paused", {
      hint: "Start the VM with `kdock run -d` first, or leave the command out.",
    });
  }
  return { ...options, bootTimeoutSeconds };
}
