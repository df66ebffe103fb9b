import type { Container, ContainerInfo } from "../engine/engine.js";
import { KdockError } from "../errors.js";
import { INSIDE, LABEL, labels } from "../plan/names.js";
import type { Plan } from "../plan/plan.js";
import { attachConsole, type ConsoleEnd } from "./attach-console.js";
import { chooseVm, factsOf, requireRunning } from "./choose-vm.js";
import type { Context } from "./context.js";
import { forgetGdbPort, noteGdbPort } from "./gdb-script.js";
import { joinLan } from "./lan.js";
import { saveConsole } from "./run-attached.js";
import { removeNetworkIfUnused } from "./start-vm.js";

export interface VmRow {
  readonly project: string;
  /** What `--name` said. */
  readonly name: string;
  readonly container: string;
  /** The guest's. */
  readonly address: string;
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
  return (await engine.listContainers(labels("vm", project))).map(row);
}

function row(info: ContainerInfo): VmRow {
  const gdb = info.ports.find((port) => port.containerPort === INSIDE.gdbPort);
  const facts = factsOf(info);
  return {
    project: info.labels[LABEL.project] ?? "",
    name: facts.seat.name,
    container: info.name,
    address: facts.address,
    running: info.running,
    status: info.status,
    kernel: facts.kernel,
    gdb: gdb === undefined ? "" : `${gdb.hostAddress}:${gdb.hostPort}`,
    ports: info.ports
      .filter((port) => port !== gdb)
      .map((p) => `${p.hostAddress}:${p.hostPort}→${p.containerPort}/${p.protocol}`),
  };
}

/** Ends all VMs of this project and removes them; returns their names, none when there was none. */
export async function stopVms(ctx: Context, plan: Plan): Promise<string[]> {
  const engine = await ctx.engine();
  const vms = await engine.listContainers(labels("vm", plan.names.id));
  const ends = await Promise.allSettled(
    vms.map((info) => end(ctx, { container: engine.container(info.id), info })),
  );
  await forget(ctx, plan);
  for (const end of ends) if (end.status === "rejected") throw end.reason;
  return vms.map((vm) => factsOf(vm).seat.name);
}

/** Ends the VM that is meant and removes it; returns its name, nothing when there was none to end. */
export async function stopOne(
  ctx: Context,
  plan: Plan,
  name: string | undefined,
): Promise<string[]> {
  const engine = await ctx.engine();
  const vms = await engine.listContainers(labels("vm", plan.names.id));
  const info = chooseVm(vms, name);
  if (info === undefined) {
    await forget(ctx, plan);
    return [];
  }
  await stopVm(ctx, plan, { container: engine.container(info.id), info });
  return [factsOf(info).seat.name];
}

/** Ends one VM, or what is left of it, and removes it. */
export async function stopVm(ctx: Context, plan: Plan, vm: FoundVm): Promise<void> {
  await end(ctx, vm);
  await forget(ctx, plan);
}

async function end(ctx: Context, { container, info }: FoundVm): Promise<void> {
  await container.stop(STOP_SECONDS);
  await saveConsole(ctx, container.id, factsOf(info).seat.name);
  await container.remove();
}

async function forget(ctx: Context, plan: Plan): Promise<void> {
  await removeNetworkIfUnused(await ctx.engine(), plan);
  await noteRemaining(ctx, plan);
  await joinLan(ctx, plan);
}

/** kdock.gdb connects to the VM that is left, when it is one. */
async function noteRemaining(ctx: Context, plan: Plan): Promise<void> {
  const engine = await ctx.engine();
  const vms = await engine.listContainers(labels("vm", plan.names.id));
  const [left, ...others] = vms.filter((vm) => vm.running);
  const port = left?.ports.find(({ containerPort }) => containerPort === INSIDE.gdbPort);
  if (left === undefined) await forgetGdbPort(ctx);
  else if (others.length === 0) await noteGdbPort(ctx, plan, port);
}

/** QEMU ends at SIGTERM at once; the limit is for an engine under load. */
const STOP_SECONDS = 5;

/** What the guest has said on its console so far, and with `follow` goes on saying. */
export async function streamLogs(
  ctx: Context,
  plan: Plan,
  { vm, follow }: { readonly vm: string | undefined; readonly follow: boolean },
): Promise<void> {
  const { container } = await findVm(ctx, plan, vm);
  const logs = await container.logs({ follow, signal: ctx.signal });
  ctx.reporter.pause();
  for await (const chunk of logs) ctx.stdout.write(chunk as Buffer);
}

export async function openConsole(
  ctx: Context,
  plan: Plan,
  vm: string | undefined,
): Promise<ConsoleEnd> {
  const { container, info } = await findVm(ctx, plan, vm);
  requireRunning(info);
  const console = await container.attach();
  ctx.reporter.emit({ type: "notice", text: "attached to the console; Ctrl-] detaches" });
  const { end } = await attachConsole(ctx, container, console);
  console.destroy();
  return end;
}

export interface FoundVm {
  readonly container: Container;
  readonly info: ContainerInfo;
}

/** Rejects with a `usage` error when there is none of that name, or when it is not clear which one is meant. */
export async function findVm(ctx: Context, plan: Plan, name: string | undefined): Promise<FoundVm> {
  const engine = await ctx.engine();
  const info = chooseVm(await engine.listContainers(labels("vm", plan.names.id)), name);
  if (info === undefined) {
    throw new KdockError("usage", "this project has no VM", {
      hint: "Start one with `kdock run`.",
    });
  }
  return { container: engine.container(info.id), info };
}
