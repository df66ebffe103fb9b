import { relative, resolve } from "node:path";
import type { KeyFlags } from "./commands/flags.js";
import type { UpdatePart } from "./lock/requests.js";
import { EXIT_CODES, KdockError } from "./errors.js";
import type { MenuTool } from "./plan/config-question.js";
import type { MemoryTool } from "./plan/memory-plan.js";
import { DETACHED } from "./print.js";
import type { Project } from "./project.js";
import type { Target } from "./steps/build.js";
import type { VmConsole } from "./steps/console-log.js";
import type { Editor } from "./steps/ide.js";
import type { BuiltModule } from "./steps/module-store.js";
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
  kernels(): Promise<void>;
  /** By key, or by the first digits of one. */
  removeKernels(keys: readonly string[]): Promise<void>;
  /** Prints one table; exit code 1 when a row of it failed. */
  matrix(options: MatrixOptions, flags: KeyFlags): Promise<void>;
  /** Prints the first bad commit; exit code 1 when what was skipped hides it. */
  bisect(options: BisectOptions, flags: KeyFlags): Promise<void>;
  /** Starts the VMs that are named, or all of kdock.yaml's. */
  up(names: readonly string[], bootTimeout: string, flags: KeyFlags): Promise<void>;
  /** Ends all VMs of the project. */
  down(): Promise<void>;
  ps(all: boolean): Promise<void>;
  logs(options: VmChoice & { readonly follow: boolean }): Promise<void>;
  /** A file as typed, "-" for stdin, undefined for the last console. */
  decode(options: VmChoice & { readonly file: string | undefined }): Promise<void>;
  console(options: VmChoice): Promise<void>;
  stop(options: VmChoice): Promise<void>;
  capture(options: CaptureOptions): Promise<void>;
  netCheck(options: VmChoice): Promise<void>;
  /** As typed: a VM's name, netem's words or "off"; nothing: what is in force. */
  netShape(words: readonly string[]): Promise<void>;
  /** Arguments of gdb's own. */
  gdb(options: VmChoice & { readonly args: readonly string[] }): Promise<void>;
  debug(options: DebugOptions, flags: KeyFlags): Promise<void>;
  trap(options: TrapOptions, flags: KeyFlags): Promise<void>;
  dap(options: VmChoice): Promise<void>;
  exec(options: ExecOptions): Promise<void>;
  cp(options: CopyOptions): Promise<void>;
  moduleBuild(options: ModuleBuildOptions, flags: KeyFlags): Promise<void>;
  /** One that was built, by name. */
  moduleLoad(options: VmChoice & { name: string; bootTimeout: string }): Promise<void>;
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
  /** A menu on the terminal; `to` as typed. */
  configMenu(options: { readonly tool: MenuTool; readonly to: string }): Promise<void>;
  /** Options as typed; all of them when there is none. */
  configShow(options: readonly string[], requested: boolean, flags: KeyFlags): Promise<void>;
  /** As typed: a preset, a file, a key or a source; undefined for the pure preset. */
  configDiff(other: string | undefined, flags: KeyFlags): Promise<void>;
  configWhy(options: readonly string[], flags: KeyFlags): Promise<void>;
  /** OPTION=VALUE each. */
  configSet(words: readonly string[], force: boolean): Promise<void>;
  configUnset(options: readonly string[], force: boolean): Promise<void>;
  sbom(): Promise<void>;
  exportSource(options: ExportOptions): Promise<void>;
  ide(options: { readonly editor: Editor; readonly force: boolean }): Promise<void>;
}

export interface VmChoice {
  /** A VM's name; undefined: the only one. */
  readonly vm: string | undefined;
}

export interface DumpOptions extends VmChoice {
  /** As typed. */
  readonly file: string;
  readonly compress: boolean;
  readonly force: boolean;
}

export interface MemoryOptions extends VmChoice {
  readonly tool: MemoryTool;
  /** Path of a dump, as typed; undefined for a fresh one. */
  readonly core: string | undefined;
  /** The tool's own; those that are files of this machine are given to it. */
  readonly args: readonly string[];
}

export interface CaptureOptions {
  readonly words: readonly string[];
  /** As typed: a file, or "-". */
  readonly to: string | undefined;
  readonly force: boolean;
  readonly side: "guest" | "uplink" | "both";
  /** As typed. */
  readonly count?: string;
  readonly more: readonly string[];
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
  readonly name: string | undefined;
  readonly command: readonly string[];
  readonly detach: boolean;
  readonly paused: boolean;
  /** As typed; undefined for a place of kdock's choice. */
  readonly dumpTo: string | undefined;
  /** Seconds, as typed. */
  readonly bootTimeout: string;
}

export interface MatrixOptions {
  readonly command: readonly string[];
  /** As typed, with commas; empty for kdock.yaml's. */
  readonly kernels: readonly string[];
  readonly presets: readonly string[];
  readonly archs: readonly string[];
  /** A path, as typed. */
  readonly junit: string | undefined;
  /** Seconds, as typed. */
  readonly bootTimeout: string;
}

export interface BisectOptions {
  readonly command: readonly string[];
  readonly good: string | undefined;
  readonly bad: string | undefined;
  readonly skipBuildFailures: boolean;
  readonly continue: boolean;
  readonly reset: boolean;
  /** Seconds, as typed. */
  readonly bootTimeout: string;
}

export interface DebugOptions extends VmChoice {
  readonly places: readonly string[];
  readonly gdbArguments: readonly string[];
  /** A shell command for the guest. */
  readonly exec: string | undefined;
  readonly condition: string | undefined;
  readonly boot: boolean;
  readonly keep: boolean;
  /** Seconds, as typed. */
  readonly bootTimeout: string;
}

export interface ExecOptions extends VmChoice {
  /** Empty for a shell. */
  readonly command: readonly string[];
  readonly input: boolean;
  readonly tty: boolean;
  readonly cwd: string;
  /** As typed: NAME=VALUE, or NAME for the value it has here. */
  readonly env: readonly string[];
  /** Seconds, as typed. */
  readonly bootTimeout: string;
}

export interface CopyOptions {
  /** As typed: a path here, or VM:PATH. */
  readonly from: string;
  readonly to: string;
  /** Seconds, as typed. */
  readonly bootTimeout: string;
}

export interface ModuleBuildOptions {
  /** As typed. */
  readonly folder: string;
  readonly name: string | undefined;
  /** Into which VM; undefined for none. */
  readonly load: VmChoice | undefined;
  /** Seconds, as typed. */
  readonly bootTimeout: string;
  /** "NAME=value", for make. */
  readonly make: readonly string[];
}

export interface TrapOptions extends VmChoice {
  readonly places: readonly string[];
  /** A shell command for the guest. */
  readonly exec: string | undefined;
  readonly condition: string | undefined;
  readonly bt: boolean;
  readonly args: boolean;
  readonly locals: boolean;
  readonly print: readonly string[];
  readonly boot: boolean;
  readonly keep: boolean;
  /** As typed: a number of hits, and seconds. */
  readonly count: string;
  readonly timeout: string;
  readonly bootTimeout: string;
}

/** Exit code of a comparison that found a difference, as with diff and cmp. */
const DIFFERENT = 1;

/** Exit code of a check that found something to mend. */
const NOT_WELL = 1;

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
      followBuild = true,
      history = false,
      willBuild = false,
      usesOutside = readLock || willBuild,
    }: {
      /** What needs names only works beside a broken lock, too. */ readLock: boolean;
      /** What is committed must not depend on what somebody built. */ followBuild?: boolean;
      /** A kernel source of this machine is a repository, and what is checked out there does not matter. */ history?: boolean;
      /** Something will most likely be built. */ willBuild?: boolean;
      /** See Opening. */ usesOutside?: boolean;
    } = { readLock: false },
  ): Promise<Project> => {
    await checkProject();
    const tree = history ? "history" : readLock ? "content" : "names";
    const earlyLook = willBuild ? await lookEarly() : undefined;
    try {
      const { openProject } = await import("./project.js");
      const how = { readLock, followBuild, tree, usesOutside, earlyLook } as const;
      const opening = { ...how, warmEngine: willBuild };
      return await openProject(world, globals(), reporter, flags, opening);
    } finally {
      earlyLook?.cancel();
    }
  };
  const checkProject = async () => {
    const trust = await import("./trust.js");
    await trust.checkProject(world, globals());
  };
  const lookEarly = async () => {
    const { beginLook } = await import("./early-look.js");
    return beginLook(configPath(), world.signal);
  };
  /** For what is to take a tenth of a second: little is loaded, and what can be at once. */
  const openGuest = async () => {
    const [{ openGuestContext }, { dialGuest }] = await Promise.all([
      import("./guest-project.js"),
      import("./steps/dial-guest.js"),
      import("./engine/quick-engine.js"),
    ]);
    const ctx = await openGuestContext(world, globals(), reporter);
    return { ctx, dial: (vm: string | undefined) => dialGuest(ctx, vm) };
  };
  const openLocked = (flags: KeyFlags = {}) => open(flags, { readLock: true });
  const loadInto = async (
    { ctx }: Project,
    vm: string | undefined,
    what: { module: BuiltModule; again: string; bootTimeoutSeconds: number },
  ) => {
    const { ctx: guest, dial } = await openGuest();
    const { loadModule } = await import("./steps/load-module.js");
    return loadModule(ctx, guest, await dial(vm), what);
  };
  /** For what boots: --kernel may name a kernel that is built, by its key. */
  const openBootable = async (flags: KeyFlags): Promise<Project> => {
    const { kernel, ...others } = flags;
    const { isKernelKey } = await import("./plan/built-kernels.js");
    if (typeof kernel !== "string" || !isKernelKey(kernel)) {
      return open(flags, { readLock: true, willBuild: true });
    }
    const { BUILD_FLAGS, flagName } = await import("./commands/flags.js");
    const typed = BUILD_FLAGS.find((name) => name !== "kernel" && flags[name] !== undefined);
    if (typed !== undefined) {
      throw new KdockError(
        "usage",
        `--kernel ${kernel} is a kernel that is built: ${flagName(typed)} comes too late`,
        {
          hint: "Name a source (--kernel debian:6.12) to have another one built.",
        },
      );
    }
    const { withBuiltKernel } = await import("./steps/kernels.js");
    return withBuiltKernel(await openLocked(others), kernel);
  };
  const printer = async (command: string) => {
    const { createPrinter } = await import("./print.js");
    return createPrinter(world, reporter, globals(), command);
  };

  const configName = () => globals().config ?? "kdock.yaml";
  const configPath = () => resolve(world.cwd, configName());

  /** Each run's report replaces the last one's. */
  const reportFile = async ({ host }: Project["ctx"], typed: string) => {
    const { targetFile } = await import("./steps/target-file.js");
    return await targetFile(host.files, resolve(world.cwd, typed), { force: true });
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
      const { ctx, config, plan } = await openLocked(flags);
      const { DEFAULT_VM } = await import("./plan/names.js");
      const { vmPlan } = await import("./plan/vm-plan.js");
      const { transportFor } = await import("./steps/shares.js");
      const { planData, planText } = await import("./plan/plan-text.js");
      const transport = await transportFor({ ctx, config, plan }, DEFAULT_VM);
      const mode = { paused: false, command: false };
      const vm = vmPlan(config, plan, mode, undefined, { transport });
      (await printer("plan")).result(planData(plan, vm), planText(plan, vm));
    },

    async build(options, flags) {
      await refuseKernelKey(flags);
      const how = { readLock: true, followBuild: !options.frozen, willBuild: true };
      const [project, steps] = await Promise.all([open(flags, how), import("./steps/build.js")]);
      const { result } = await steps.build(project, options);
      const lines = result.current === undefined ? [] : [`artifacts: ${result.current}`];
      (await printer("build")).result(result, lines);
    },

    async run(options, flags) {
      const { run } = await import("./steps/run.js");
      const { flagsForVm } = await import("./config/vm-flags.js");
      const { keyValues } = await import("./commands/flags.js");
      const request = await parseRunOptions(options);
      const project = await openBootable(flags);
      const config = flagsForVm(project.config, request.name, keyValues(flags));
      const dumpTo = options.dumpTo === undefined ? undefined : resolve(world.cwd, options.dumpTo);
      exitCode = await run({ ...project, config }, { ...request, dumpTo }, await printer("run"));
    },

    async kernels() {
      const { ctx } = await open();
      const { listKernels } = await import("./steps/kernels.js");
      const { kernelsTable } = await import("./ui/kernels-text.js");
      const kernels = await listKernels(ctx);
      (await printer("kernels")).result({ kernels }, kernelsTable(kernels, ctx.host.now()));
    },

    async removeKernels(keys) {
      const project = await open();
      const { removeKernels } = await import("./steps/kernels.js");
      const removed = await removeKernels(project, keys);
      const lines = removed.map(
        ({ key, source, preset }) => `removed ${key} (${source}, ${preset})`,
      );
      (await printer("kernels rm")).result({ removed }, lines);
    },

    async matrix({ command: [program, ...args], junit, ...options }, flags) {
      const bootTimeoutSeconds = numberOf("--boot-timeout", options.bootTimeout);
      const command = requireCommand(program, args, flags);
      const { DEBIAN_LINES, expandSource } = await import("./config/source-spec.js");
      const { listed, matrixRows } = await import("./plan/matrix.js");
      const { config, ctx } = await openLocked(flags);
      const either = (
        typed: readonly string[],
        ours: readonly string[],
        others: readonly string[],
      ) => [listed(typed), ours, others].find((list) => list.length > 0) ?? [];
      const rows = matrixRows({
        kernels: either(options.kernels, config.matrix.kernels, DEBIAN_LINES).map((word) =>
          expandSource(word, config.kernel),
        ),
        presets: either(
          options.presets,
          flags.preset === undefined ? config.matrix.presets : [],
          [],
        ),
        archs: either(options.archs, flags.arch === undefined ? config.matrix.archs : [], []),
      });
      // A word that is none, and a report that could not be written, are told before the first of many minutes.
      const report = junit === undefined ? undefined : await reportFile(ctx, junit);
      const openRow = (row: (typeof rows)[number]) => openLocked({ ...flags, ...row.flags });
      for (const row of rows) await open({ ...flags, ...row.flags });
      const print = await printer("matrix");
      const { matrix } = await import("./steps/matrix.js");
      const { matrixTable } = await import("./ui/matrix-text.js");
      const { results, interrupted } = await matrix(rows, {
        ...{ command, bootTimeoutSeconds },
        open: openRow,
        onRow: (data) => {
          reporter.emit({ type: "row", command: "matrix", data });
        },
      });
      if (report !== undefined) {
        const { matrixJunit } = await import("./plan/matrix-report.js");
        await ctx.host.files.writeAtomic(report, matrixJunit(results, command.join(" ")));
      }
      print.result({ rows: results }, matrixTable(results));
      if (interrupted !== undefined) throw interrupted;
      if (results.some(({ verdict }) => verdict !== "ok")) exitCode = NOT_WELL;
    },

    async bisect(options, flags) {
      const steps = await import("./steps/bisect.js");
      const openHistory = (given: KeyFlags) => open(given, { readLock: true, history: true });
      const { ctx } = await open({}, { readLock: false, history: true });
      const print = await printer("bisect");
      if (options.reset) {
        const was = await steps.resetBisect(ctx);
        print.result({ reset: was }, [was ? "the search is forgotten" : "there is no search"]);
        return;
      }
      const there = await steps.readBisectState(ctx);
      const { bisectOrder } = await import("./plan/bisect-order.js");
      const order = bisectOrder(options, flags, world.cwd, there);
      const bootTimeoutSeconds = numberOf("--boot-timeout", options.bootTimeout);
      const result =
        order === "continue" && there !== undefined
          ? await steps.continueBisect(await openHistory(there.flags), there)
          : order !== "continue" &&
            (await steps.startBisect(await openHistory(flags), { ...order, bootTimeoutSeconds }));
      if (result === false) return;
      const { bisectText } = await import("./ui/bisect-text.js");
      if (result.first === undefined) exitCode = NOT_WELL;
      print.result(result, bisectText(result));
    },

    async up(names, bootTimeout, flags) {
      const bootTimeoutSeconds = numberOf("--boot-timeout", bootTimeout);
      const project = await openBootable(flags);
      const { up } = await import("./steps/up.js");
      const { upText } = await import("./ui/vm-table.js");
      const result = await up(project, { names, bootTimeoutSeconds });
      (await printer("up")).result(result, upText(result));
    },

    async down() {
      const { ctx, plan } = await open();
      const { stopVms } = await import("./steps/vms.js");
      const stopped = await stopVms(ctx, plan);
      (await printer("down")).result({ stopped }, stoppedText(stopped));
    },

    async ps(all) {
      const { ctx, plan } = await open();
      const { listVms } = await import("./steps/vms.js");
      const { vmTable } = await import("./ui/vm-table.js");
      const rows = await listVms(ctx, all ? undefined : plan.names.id);
      (await printer("ps")).result(rows, vmTable(rows, all));
    },

    async logs(options) {
      const { ctx, plan } = await open();
      const { streamLogs } = await import("./steps/logs.js");
      const panic = await streamLogs(ctx, plan, options);
      if (panic !== undefined) await failWith(panic);
    },

    async decode({ vm, file }) {
      const project = await openLocked();
      const { decodeText } = await import("./steps/decode-text.js");
      const path = file === undefined || file === "-" ? file : resolve(world.cwd, file);
      const result = await decodeText(project, { vm, path });
      (await printer("decode")).result(result, result.lines);
    },

    async console({ vm }) {
      const { ctx, plan } = await open();
      const { openConsole } = await import("./steps/vms.js");
      const { end, panic } = await openConsole(ctx, plan, vm);
      if (panic !== undefined) await failWith(panic);
      (await printer("console")).note(end === "detached" ? DETACHED : "\nthe VM ended");
    },

    async stop({ vm }) {
      const { ctx, plan } = await open();
      const { stopOne } = await import("./steps/vms.js");
      const stopped = await stopOne(ctx, plan, vm);
      (await printer("stop")).result({ stopped }, stoppedText(stopped));
    },

    async capture({ to, count, ...options }) {
      const packets = count === undefined ? undefined : numberOf("--count", count, { whole: true });
      const project = await open();
      const { capture } = await import("./steps/capture.js");
      const path = to === undefined || to === "-" ? to : resolve(world.cwd, to);
      await capture(project, { ...options, to: path, count: packets });
    },

    async netCheck({ vm }) {
      const project = await open();
      const { checkNet } = await import("./steps/net-check/net-check.js");
      const { netCheckText } = await import("./ui/net-check-text.js");
      const result = await checkNet(project, vm);
      if (!result.ok) exitCode = NOT_WELL;
      (await printer("net check")).result(result, netCheckText(result));
    },

    async netShape(words) {
      const project = await open();
      const { shapeNet } = await import("./steps/net-shape.js");
      const { shapeText } = await import("./ui/shape-text.js");
      const result = await shapeNet(project, words);
      (await printer("net shape")).result(result, shapeText(result));
    },

    async gdb(options) {
      const project = await openLocked();
      const { runGdb } = await import("./steps/run-gdb.js");
      exitCode = await runGdb(project, options);
    },

    async debug({ condition, ...typed }, flags) {
      const options = parseDebugOptions(typed);
      const asked = { stops: options.places, condition: condition ?? null };
      const project = await openBootable(flags);
      const { debug } = await import("./steps/debug.js");
      exitCode = await debug(project, { ...options, asked });
    },

    async dap({ vm }) {
      const project = await openLocked();
      const { runDap } = await import("./steps/run-dap.js");
      exitCode = await runDap(project, vm);
    },

    async dump({ vm, file, compress, force }) {
      const project = await open();
      const { dump } = await import("./steps/dump.js");
      const { dumpText } = await import("./ui/dump-text.js");
      const format = compress ? "kdump-zlib" : "elf";
      const result = await dump(project, { vm, path: resolve(world.cwd, file), format, force });
      (await printer("dump")).result(result, dumpText(result));
    },

    async memory({ vm, tool, core, args }) {
      const project = await openLocked();
      const { runMemory } = await import("./steps/memory.js");
      const { filesAmong } = await import("./steps/files-among.js");
      const at = (path: string) => resolve(world.cwd, path);
      exitCode = await runMemory(project, {
        ...{ vm, tool, args, core: core === undefined ? undefined : at(core) },
        files: await filesAmong(project.ctx, args, at),
      });
    },

    async trap({ places, condition, ...options }, flags) {
      refuseExecAtBoot(options);
      const count = numberOf("--count", options.count, { whole: true });
      const timeout = numberOf("--timeout", options.timeout);
      const bootTimeoutSeconds = numberOf("--boot-timeout", options.bootTimeout);
      const project = await openBootable(flags);
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

    async exec({ bootTimeout, ...options }) {
      const bootTimeoutSeconds = numberOf("--boot-timeout", bootTimeout);
      const { execRequest } = await import("./plan/exec-request.js");
      const { stdin, stdout, env } = world;
      const terminal = { isTty: stdin.isTTY && stdout.isTTY, env };
      const request = { ...execRequest(options, terminal), bootTimeoutSeconds };
      const { ctx, dial } = await openGuest();
      const [call, { execInGuest }] = await Promise.all([
        dial(request.vm),
        import("./steps/exec.js"),
      ]);
      exitCode = await execInGuest(ctx, call, request);
    },

    async cp({ from, to, bootTimeout }) {
      const bootTimeoutSeconds = numberOf("--boot-timeout", bootTimeout);
      const { copyRequest } = await import("./plan/copy-request.js");
      const request = copyRequest(from, to);
      const { ctx, dial } = await openGuest();
      const [call, { copy }] = await Promise.all([
        dial(request.from.vm ?? request.to.vm),
        import("./steps/copy.js"),
      ]);
      const result = await copy(ctx, call, request, bootTimeoutSeconds);
      (await printer("cp")).result(result, []);
      const { leftOutError } = await import("./ui/copy-text.js");
      if (result.leftOut.length > 0) throw leftOutError(result);
    },

    async moduleBuild({ folder, name, load, bootTimeout, make }, flags) {
      const bootTimeoutSeconds = numberOf("--boot-timeout", bootTimeout);
      const { makeFlags, makeVariables } = await import("./plan/module/make-variables.js");
      const variables = makeVariables(make);
      const project = await openLocked(flags);
      const { buildModule } = await import("./steps/build-module.js");
      const { builtText, loadedText } = await import("./ui/module-text.js");
      const path = resolve(world.cwd, folder);
      const shown = folder.replace(/(?<=.)\/+$/, "");
      const vm = load === undefined ? undefined : { name: load.vm };
      const built = await buildModule(project, { folder: path, shown, name, vm, variables });
      const print = await printer("module build");
      const again = `kdock module build ${shown}${makeFlags(variables)} --load`;
      print.line(builtText(built));
      if (load === undefined) {
        print.result(built, [`load it: ${again}`]);
        return;
      }
      const loaded = await loadInto(project, load.vm, { module: built, again, bootTimeoutSeconds });
      print.result({ ...built, loaded }, loadedText(loaded));
    },

    async moduleLoad({ name, vm, bootTimeout }) {
      const bootTimeoutSeconds = numberOf("--boot-timeout", bootTimeout);
      const project = await openLocked();
      const { requireModule } = await import("./steps/module-store.js");
      const { loadedText } = await import("./ui/module-text.js");
      const module = await requireModule(project.ctx, name);
      const again = `kdock module build ${relative(world.cwd, module.source) || "."} --load`;
      const loaded = await loadInto(project, vm, { module, again, bootTimeoutSeconds });
      (await printer("module load")).result(loaded, loadedText(loaded));
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
      const project = await open({}, { readLock: true, followBuild: false });
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

    async configMenu({ tool, to }) {
      const project = await openLocked();
      const { configMenu } = await import("./steps/config-menu.js");
      const { menuText } = await import("./ui/config-text.js");
      const request = { tool, fragment: to, path: configPath() };
      const result = await configMenu(project, request);
      (await printer("config menu")).result(result, menuText(result, to, configName()));
    },

    async configShow(options, requested, flags) {
      const project = await openLocked(flags);
      const look = await import("./steps/config-look.js");
      const print = await printer("config show");
      if (requested) {
        const { requestsText } = await import("./ui/config-text.js");
        const rows = await look.requests(project, options);
        print.result(rows, requestsText(rows));
      } else if (options.length > 0) {
        const { configLine } = await import("./plan/kconfig.js");
        const values = await look.optionValues(project, options);
        const lines = values.map(({ name, value }) => configLine(name, value));
        print.result(values, lines);
      } else {
        const { configOptions } = await import("./plan/artifact-diff.js");
        const { unavailableRequests } = await import("./plan/config-requests.js");
        const { unavailableText } = await import("./ui/config-text.js");
        const { config, demands } = await look.finalConfig(project);
        const { preset } = project.config.kernel;
        const lines = unavailableText(unavailableRequests(demands), preset);
        print.result(configOptions(config), [config.trimEnd(), ...lines]);
      }
    },

    async configDiff(other, flags) {
      const project = await openLocked(flags);
      const { sourceTypedIn } = await import("./project.js");
      const { diffConfig } = await import("./steps/config-look.js");
      const { configDiffText } = await import("./ui/config-text.js");
      const named = other !== undefined && {
        typed: other,
        path: resolve(world.cwd, other),
        source: sourceTypedIn(world.cwd, project.ctx.folder, other),
      };
      const diff = await diffConfig(project, named || undefined);
      if (!diff.equal) exitCode = DIFFERENT;
      (await printer("config diff")).result(diff, configDiffText(diff));
    },

    async configWhy(options, flags) {
      const project = await openLocked(flags);
      const { explainOptions } = await import("./steps/config-look.js");
      const { known, requireAll } = await explainOptions(project, options);
      const lines = known.flatMap((each, index) =>
        index === 0 ? each.lines : ["", ...each.lines],
      );
      if (known.length > 0) (await printer("config why")).result(known, lines);
      requireAll();
    },

    async configSet(words, force) {
      const { changeSettings, readAssignments } = await import("./steps/config-set.js");
      const changes = readAssignments(words);
      const project = await openLocked();
      const { written } = await changeSettings(project, changes, { path: configPath(), force });
      const lines = Object.entries(changes).map(([name, value]) => `  ${name}=${value ?? ""}`);
      const head = written ? "kernel.set of" : "nothing to change in";
      (await printer("config set")).result({ written, set: changes }, [
        `${head} ${configName()}:`,
        ...lines,
      ]);
    },

    async configUnset(options, force) {
      const { changeSettings } = await import("./steps/config-set.js");
      const { optionName } = await import("./config/kconfig-settings.js");
      const names = options.map(optionName);
      const changes = Object.fromEntries(names.map((name) => [name, undefined]));
      const project = await openLocked();
      await changeSettings(project, changes, { path: configPath(), force });
      const lines = names.map((name) => `  ${name}`);
      (await printer("config unset")).result({ unset: names }, [
        `no longer in kernel.set of ${configName()}:`,
        ...lines,
      ]);
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
      const { ctx, plan } = await open({}, { readLock: false, usesOutside: true });
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
      const { config, plan, ctx } = await open({}, { readLock: !unlocked, followBuild: false });
      const { composeFile } = await import("./plan/compose.js");
      const { KDOCK_ROOT } = await import("./project.js");
      // eslint-disable-next-line no-restricted-syntax -- a file
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

/** What is to be done on every kernel, and nothing that stands for a single one. */
function requireCommand(
  program: string | undefined,
  args: readonly string[],
  { kernel }: KeyFlags,
): readonly [string, ...string[]] {
  if (kernel !== undefined) {
    throw new KdockError("usage", "--kernel is for one kernel", {
      hint: "A matrix takes a list: --kernels 5.10,6.1,6.12.",
    });
  }
  if (program !== undefined) return [program, ...args];
  throw new KdockError("usage", "there is no command to run on each kernel", {
    hint: "Give one after --: `kdock matrix -- uname -r`.",
  });
}

/** What is built needs no building. */
async function refuseKernelKey({ kernel }: KeyFlags): Promise<void> {
  const { isKernelKey } = await import("./plan/built-kernels.js");
  if (typeof kernel !== "string" || !isKernelKey(kernel)) return;
  throw new KdockError(
    "usage",
    `--kernel ${kernel} is the key of a kernel, and builds take a source`,
    {
      hint: `\`kdock run --kernel ${kernel}\` boots what was built; a source is, for example, debian:6.12.`,
    },
  );
}

function parseDebugOptions(options: Omit<DebugOptions, "condition">) {
  const bootTimeoutSeconds = numberOf("--boot-timeout", options.bootTimeout);
  if (options.places.length === 0) {
    throw new KdockError("usage", "no place to stop at", {
      hint: "Name one: `kdock debug tcp_v4_rcv`. `kdock gdb` stops the guest wherever it is.",
    });
  }
  refuseExecAtBoot(options);
  return { ...options, bootTimeoutSeconds };
}

function refuseExecAtBoot({ boot, exec }: Pick<DebugOptions, "boot" | "exec">): void {
  if (!boot || exec === undefined) return;
  throw new KdockError("usage", "--exec needs a guest that has booted, and --boot stops before", {
    hint: "Leave one of them out.",
  });
}

function stoppedText(stopped: readonly string[]): string[] {
  return stopped.length > 0 ? stopped.map((name) => `stopped ${name}`) : ["no VM to stop"];
}

async function parseRunOptions(options: RunOptions) {
  const { DEFAULT_VM } = await import("./plan/names.js");
  const { vmNameProblem } = await import("./config/run-schema.js");
  const name = options.name ?? DEFAULT_VM;
  const problem = vmNameProblem(name);
  if (problem !== undefined) throw new KdockError("usage", `--name: ${problem}`);
  const bootTimeoutSeconds = numberOf("--boot-timeout", options.bootTimeout);
  if (options.command.length > 0 && (options.detach || options.paused)) {
    throw new KdockError("usage", "a command cannot be run with --detach or --paused", {
      hint: "Start the VM with `kdock run -d` first, or leave the command out.",
    });
  }
  return { ...options, name, bootTimeoutSeconds };
}
