import { relative, resolve } from "node:path";
import type { KeyFlags } from "./commands/flags.js";
import { EXIT_CODES, KdockError } from "./errors.js";
import { DETACHED } from "./print.js";
import type { Project } from "./project.js";
import type { Target } from "./steps/build.js";
import type { Reporter } from "./ui/reporter.js";
import type { GlobalFlags, World } from "./world.js";

export type { Target };

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
  console(): Promise<void>;
  stop(): Promise<void>;
  clean(options: { readonly all: boolean; readonly dryRun: boolean }): Promise<void>;
  compose(): Promise<void>;
}

export interface BuildOptions {
  readonly targets: readonly Target[];
  readonly noCache: boolean;
}

export interface RunOptions {
  readonly command: readonly string[];
  readonly detach: boolean;
  readonly paused: boolean;
  /** Seconds, as typed. */
  readonly bootTimeout: string;
}

/**
 * Every method loads what it needs when it is called: `kdock --help` must not wait for a Docker client, a YAML parser
 * and a spinner.
 */
export function createApp(world: World, reporter: Reporter, globals: () => GlobalFlags): App {
  let exitCode = 0;
  const open = async (flags: KeyFlags = {}): Promise<Project> => {
    const { openProject } = await import("./project.js");
    return openProject(world, globals(), reporter, flags);
  };
  const printer = async (command: string) => {
    const { createPrinter } = await import("./print.js");
    return createPrinter(world, reporter, globals(), command);
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
      const { config, plan } = await open(flags);
      const { planData, planText } = await import("./plan/plan-text.js");
      (await printer("plan")).result(planData(config, plan), planText(config, plan));
    },

    async build(options, flags) {
      const { ctx, plan, user } = await open(flags);
      const steps = await import("./steps/build.js");
      const result = await steps.build(ctx, plan, user, options);
      const lines = result.current === undefined ? [] : [`artifacts: ${result.current}`];
      (await printer("build")).result(result, lines);
    },

    async run(options, flags) {
      const { run } = await import("./steps/run.js");
      const project = await open(flags);
      exitCode = await run(project, parseRunOptions(options), await printer("run"));
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
      const { streamLogs } = await import("./steps/vms.js");
      await streamLogs(ctx, plan, follow);
    },

    async console() {
      const { ctx, plan } = await open();
      const { openConsole } = await import("./steps/vms.js");
      const end = await openConsole(ctx, plan);
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

    async compose() {
      const { config, plan, ctx } = await open();
      const { composeFile } = await import("./plan/compose.js");
      const { KDOCK_ROOT } = await import("./project.js");
      world.stdout.write(composeFile(config, plan, relative(ctx.folder, KDOCK_ROOT) || "."));
    },
  };
}

function parseRunOptions(options: RunOptions) {
  const bootTimeoutSeconds = Number(options.bootTimeout);
  if (!Number.isFinite(bootTimeoutSeconds) || bootTimeoutSeconds <= 0) {
    throw new KdockError(
      "usage",
      `--boot-timeout: ${options.bootTimeout} is not a number of seconds`,
    );
  }
  if (options.command.length > 0 && (options.detach || options.paused)) {
    throw new KdockError("usage", "a command cannot be run with --detach or --paused", {
      hint: "Start the VM with `kdock run -d` first, or leave the command out.",
    });
  }
  return { ...options, bootTimeoutSeconds };
}
