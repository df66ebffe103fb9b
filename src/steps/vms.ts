import type { Container, ContainerInfo, Engine } from "../engine/engine.js";
import { KdockError } from "../errors.js";
import { panicked, panicReason } from "../plan/console-log.js";
import { INSIDE, LABEL, labels } from "../plan/names.js";
import type { Plan } from "../plan/plan.js";
import { vmFacts } from "../plan/vm-plan.js";
import { attachConsole, type ConsoleEnd } from "./attach-console.js";
import { consoleOf, linesOfText, type VmConsole, vmConsole } from "./console-log.js";
import type { Context } from "./context.js";
import { forgetGdbPort } from "./gdb-script.js";
import { keepRemains } from "./panic-dump.js";
import { removeNetworkIfUnused } from "./start-vm.js";

export interface VmRow {
  readonly project: string;
  readonly name: string;
  readonly running: boolean;
  readonly status: string;
  readonly kernel: string;
  readonly gdb: string;
  /** "127.0.0.1:9090→9090/tcp" */
  readonly ports: readonly string[];
}

/** This project's VMs, or every project's of the engine. */
export async function listVms(ctx: Context, project: string | undefined): Promise<VmRow[]> {
  const engine = await ctx.engine();
  const vms = await engine.listContainers(labels("vm", project));
  return Promise.all(vms.map(async (info) => row(info, await endOf(ctx, engine, info))));
}

/** The engine's words, with the kernel's where that is why the VM ended. */
async function endOf(ctx: Context, engine: Engine, info: ContainerInfo): Promise<string> {
  if (info.running) return info.status;
  const reason = panicReason(linesOfText(await consoleOf(ctx, engine.container(info.id))));
  return reason === undefined ? info.status : `panicked: ${reason}; ${info.status}`;
}

function row(info: ContainerInfo, status: string): VmRow {
  const gdb = info.ports.find((port) => port.containerPort === INSIDE.gdbPort);
  const { kernel = "" } = vmFacts(info.labels);
  return {
    project: info.labels[LABEL.project] ?? "",
    name: info.name,
    running: info.running,
    status,
    kernel,
    gdb: gdb === undefined ? "" : `${gdb.hostAddress}:${gdb.hostPort}`,
    ports: info.ports
      .filter((port) => port !== gdb)
      .map((p) => `${p.hostAddress}:${p.hostPort}→${p.containerPort}/${p.protocol}`),
  };
}

/** Ends this project's VMs and removes them; returns their names, none when there was none. */
export async function stopVms(ctx: Context, plan: Plan): Promise<string[]> {
  const engine = await ctx.engine();
  const vms = await engine.listContainers(labels("vm", plan.names.id));
  for (const vm of vms) {
    const container = engine.container(vm.id);
    await container.stop(STOP_SECONDS);
    await keepRemains(ctx, plan, vm);
    await container.remove();
  }
  await removeNetworkIfUnused(engine, plan);
  await forgetGdbPort(ctx);
  return vms.map((vm) => vm.name);
}

/** QEMU ends at SIGTERM at once; the limit is for an engine under load. */
const STOP_SECONDS = 5;

/** Joins the running VM's console. Resolves with how that ended, and with all that was said where it was a panic. */
export async function openConsole(
  ctx: Context,
  plan: Plan,
): Promise<{ end: ConsoleEnd; panic: VmConsole | undefined }> {
  const { container, info } = await findRunningVm(ctx, plan);
  const console = await container.attach();
  ctx.reporter.emit({ type: "notice", text: "attached to the console; Ctrl-] detaches" });
  const { end } = await attachConsole(ctx, container, console);
  console.destroy();
  if (end === "detached") return { end, panic: undefined };
  const said = await vmConsole(ctx, plan, info);
  return { end, panic: panicked(said.lines) ? said : undefined };
}

export async function findVm(
  ctx: Context,
  plan: Plan,
): Promise<{ container: Container; info: ContainerInfo }> {
  const engine = await ctx.engine();
  const [info] = await engine.listContainers(labels("vm", plan.names.id));
  if (info === undefined) {
    throw new KdockError("usage", "this project has no VM", {
      hint: "Start one with `kdock run`.",
    });
  }
  return { container: engine.container(info.id), info };
}

/** Rejects with a `vm` error for one that has ended. */
export async function findRunningVm(
  ctx: Context,
  plan: Plan,
): Promise<{ container: Container; info: ContainerInfo }> {
  const found = await findVm(ctx, plan);
  if (found.info.running) return found;
  throw new KdockError("vm", `the VM is not running (${found.info.status})`, {
    hint: "`kdock logs` shows its last words; `kdock run` starts it anew.",
  });
}
