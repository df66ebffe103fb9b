import type { NetMode } from "../../config/config.js";
import type { Container, ContainerInfo, Engine, PublishedPort } from "../../engine/engine.js";
import { KdockError } from "../../core/errors.js";
import { hostPortText } from "../../core/plan/container-spec.js";
import { LABEL, labels } from "../../core/plan/names.js";
import type { Plan } from "../../build/plan/plan.js";
import { isGdbPort } from "../../core/plan/ports.js";
import type { VmFacts } from "../plan/vm-facts.js";
import { attachConsole, type ConsoleEnd } from "./attach-console.js";
import { chooseVm, factsOf, requireRunning } from "./choose-vm.js";
import { panicOfVm, type VmConsole, vmConsole } from "./console-log.js";
import type { Context } from "../../core/steps/context.js";
import { removeGdbPort, recordGdbPort } from "../../build/steps/gdb-script.js";
import { endHostNet } from "./host-net.js";
import { joinLan } from "./lan.js";
import { keepRemains } from "./panic-dump.js";
import { powerOffGently } from "./power-off.js";
import { removeNetworkIfUnused } from "./start-vm.js";
import { publishedStub } from "./stub.js";

export interface VmRow {
  readonly project: string;
  /** What `--name` said. */
  readonly name: string;
  readonly container: string;
  /** The guest's. */
  readonly address: string;
  readonly address6: string | undefined;
  readonly net: NetMode;
  readonly running: boolean;
  readonly status: string;
  readonly kernel: string;
  readonly gdb: string;
  /** Of the host and of the guest: "127.0.0.1:9090→90/tcp" */
  readonly ports: readonly string[];
  /** "/home/ada/data on /mnt/data (read-only)" */
  readonly shares: readonly string[];
}

/** This project's VMs, or every project's of the engine. */
export async function listVms(ctx: Context, project: string | undefined): Promise<VmRow[]> {
  const engine = await ctx.engine();
  const vms = await engine.listContainers(labels("vm", project));
  return Promise.all(
    vms.map(async (info) =>
      row(info, await endOf(ctx, engine, info), await publishedStub(ctx, info)),
    ),
  );
}

/** The engine's words, with the kernel's where that is why the VM ended. */
async function endOf(ctx: Context, engine: Engine, info: ContainerInfo): Promise<string> {
  if (info.running) return info.status;
  const reason = await panicOfVm(ctx, engine.container(info.id));
  return reason === undefined ? info.status : `panicked: ${reason}; ${info.status}`;
}

function row(info: ContainerInfo, status: string, gdb: PublishedPort | undefined): VmRow {
  const facts = factsOf(info);
  return {
    project: info.labels[LABEL.project] ?? "",
    name: facts.slot.name,
    container: info.name,
    address: facts.address,
    address6: facts.address6,
    net: facts.net,
    running: info.running,
    status,
    kernel: facts.kernel,
    gdb: gdb === undefined ? "" : hostPortText(gdb),
    ports: info.ports
      .filter((port) => !isGdbPort(port))
      .map((port) => `${hostPortText(port)}→${guestPortOf(port, facts)}/${port.protocol}`),
    shares: facts.shares,
  };
}

function guestPortOf({ protocol, containerPort }: PublishedPort, { ports }: VmFacts): number {
  const own = ports.find(
    (port) => port.protocol === protocol && port.containerPort === containerPort,
  );
  return own?.guestPort ?? containerPort;
}

/** Ends all VMs of this project and removes them; returns their names, none when there was none. */
export async function stopVms(ctx: Context, plan: Plan): Promise<string[]> {
  const engine = await ctx.engine();
  const vms = await engine.listContainers(labels("vm", plan.names.id));
  const ends = await Promise.allSettled(
    vms.map((info) => end(ctx, plan, { container: engine.container(info.id), info })),
  );
  await forget(ctx, plan);
  for (const end of ends) if (end.status === "rejected") throw end.reason;
  return vms.map((vm) => factsOf(vm).slot.name);
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
  return [factsOf(info).slot.name];
}

/** Ends one VM, or what is left of it, and removes it. */
export async function stopVm(ctx: Context, plan: Plan, vm: FoundVm): Promise<void> {
  await end(ctx, plan, vm);
  await forget(ctx, plan);
}

async function end(ctx: Context, plan: Plan, { container, info }: FoundVm): Promise<void> {
  if (info.running) await powerOffGently(ctx, container, factsOf(info));
  await container.stop(STOP_SECONDS);
  await keepRemains(ctx, plan, info);
  await container.remove();
}

async function forget(ctx: Context, plan: Plan): Promise<void> {
  await endHostNet(ctx, plan);
  await removeNetworkIfUnused(ctx, plan);
  await noteRemaining(ctx, plan);
  await joinLan(ctx, plan);
}

/** kdock.gdb connects to the VM that is left, when it is one. */
async function noteRemaining(ctx: Context, plan: Plan): Promise<void> {
  const engine = await ctx.engine();
  const vms = await engine.listContainers(labels("vm", plan.names.id));
  const [left, ...others] = vms.filter((vm) => vm.running);
  if (left === undefined) await removeGdbPort(ctx);
  else if (others.length === 0) await recordGdbPort(ctx, plan, await publishedStub(ctx, left));
}

/** QEMU ends at SIGTERM at once; the limit is for an engine under load. */
const STOP_SECONDS = 5;

/** Joins the running VM's console. Resolves with how that ended, and with all that was said where it was a panic. */
export async function openConsole(
  ctx: Context,
  plan: Plan,
  vm: string | undefined,
): Promise<{ end: ConsoleEnd; panic: VmConsole | undefined }> {
  const { container, info } = await findRunningVm(ctx, plan, vm);
  const console = await container.attach();
  ctx.reporter.emit({ type: "notice", text: "attached to the console; Ctrl-] detaches" });
  const { end } = await attachConsole(ctx, container, console).finally(() => {
    console.destroy();
  });
  if (end === "detached") return { end, panic: undefined };
  const said = await vmConsole(ctx, plan, info);
  return { end, panic: said.panic === undefined ? undefined : said };
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

/** Rejects with a `vm` error for one that has ended. */
export async function findRunningVm(
  ctx: Context,
  plan: Plan,
  name: string | undefined,
): Promise<FoundVm> {
  const found = await findVm(ctx, plan, name);
  requireRunning(found.info);
  return found;
}
