import type { Container, ContainerInfo } from "../engine/engine.js";
import { KdockError } from "../errors.js";
import { INSIDE, LABEL, labels } from "../plan/names.js";
import type { Plan } from "../plan/plan.js";
import { attachConsole, type ConsoleEnd } from "./attach-console.js";
import type { Context } from "./context.js";
import { forgetGdbPort } from "./gdb-script.js";
import { saveConsole } from "./run-attached.js";
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
  return (await engine.listContainers(labels("vm", project))).map(row);
}

function row(info: ContainerInfo): VmRow {
  const gdb = info.ports.find((port) => port.containerPort === INSIDE.gdbPort);
  const facts = JSON.parse(info.labels[LABEL.vm] ?? "{}") as { kernel?: string };
  return {
    project: info.labels[LABEL.project] ?? "",
    name: info.name,
    running: info.running,
    status: info.status,
    kernel: facts.kernel ?? "",
    gdb: gdb === undefined ? "" : `${gdb.hostAddress}:${gdb.hostPort}`,
    ports: info.ports
      .filter((port) => port !== gdb)
      .map((p) => `${p.hostAddress}:${p.hostPort}→${p.containerPort}/${p.protocol}`),
  };
}

/** Ends this project's VM and removes it, and what earlier ones left; returns their names, none when there was none. */
export async function stopVms(ctx: Context, plan: Plan): Promise<string[]> {
  const engine = await ctx.engine();
  const vms = await engine.listContainers(labels("vm", plan.names.id));
  // Of several that run nobody says which is meant.
  chooseVm(vms);
  for (const { id } of vms) await end(ctx, engine.container(id));
  await forget(ctx, plan);
  return vms.map((vm) => vm.name);
}

/** Ends one VM and removes it. */
export async function stopVm(ctx: Context, plan: Plan, vm: Container): Promise<void> {
  await end(ctx, vm);
  await forget(ctx, plan);
}

async function end(ctx: Context, vm: Container): Promise<void> {
  await vm.stop(STOP_SECONDS);
  await saveConsole(ctx, vm.id);
  await vm.remove();
}

async function forget(ctx: Context, plan: Plan): Promise<void> {
  await removeNetworkIfUnused(await ctx.engine(), plan);
  await forgetGdbPort(ctx);
}

/** QEMU ends at SIGTERM at once; the limit is for an engine under load. */
const STOP_SECONDS = 5;

/** What the guest has said on its console so far, and with `follow` goes on saying. */
export async function streamLogs(ctx: Context, plan: Plan, follow: boolean): Promise<void> {
  const { container } = await findVm(ctx, plan);
  const logs = await container.logs({ follow, signal: ctx.signal });
  ctx.reporter.pause();
  for await (const chunk of logs) ctx.stdout.write(chunk as Buffer);
}

export async function openConsole(ctx: Context, plan: Plan): Promise<ConsoleEnd> {
  const { container, info } = await findVm(ctx, plan);
  if (!info.running) {
    throw new KdockError("vm", `the VM is not running (${info.status})`, {
      hint: "`kdock logs` shows its last words; `kdock run` starts it anew.",
    });
  }
  const console = await container.attach();
  ctx.reporter.emit({ type: "notice", text: "attached to the console; Ctrl-] detaches" });
  const { end } = await attachConsole(ctx, container, console);
  console.destroy();
  return end;
}

/** Rejects with a `usage` error when there is none, or when it is not clear which one is meant. */
export async function findVm(
  ctx: Context,
  plan: Plan,
): Promise<{ container: Container; info: ContainerInfo }> {
  const engine = await ctx.engine();
  const info = chooseVm(await engine.listContainers(labels("vm", plan.names.id)));
  if (info === undefined) {
    throw new KdockError("usage", "this project has no VM", {
      hint: "Start one with `kdock run`.",
    });
  }
  return { container: engine.container(info.id), info };
}

/** Of a project's VMs the one that is meant: the one that runs, else the one that has ended. */
export function chooseVm(vms: readonly ContainerInfo[]): ContainerInfo | undefined {
  const running = vms.filter((vm) => vm.running);
  const [meant, ...others] = running.length > 0 ? running : vms;
  if (meant === undefined || others.length === 0) return meant;
  const named = [meant, ...others].map(({ name, status }) => `${name} (${status})`);
  throw new KdockError("usage", `this project has several VMs: ${named.join(", ")}`, {
    hint: "Remove those that are not meant: `docker rm -f NAME`.",
  });
}
