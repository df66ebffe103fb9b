import type { Duplex } from "node:stream";
import type { Content } from "../archive/content.js";
import { packTar, type TarEntry } from "../archive/tar.js";
import {
  type Container,
  type Engine,
  isOnThisMachine,
  type PublishedPort,
} from "../engine/engine.js";
import { KdockError, messageOf } from "../errors.js";
import type { KillWatch } from "../host/host.js";
import { ARCHITECTURES } from "../plan/architectures.js";
import { DEFAULT_VM, FOLDER, INSIDE, LABEL, labels } from "../plan/names.js";
import type { Plan } from "../plan/plan.js";
import type { Config } from "../config/config.js";
import { networkOf } from "../plan/net-modes.js";
import { kernelInside } from "../plan/qemu-args.js";
import { FIRST_SEAT, takeSeat, type VmSeat } from "../plan/seats.js";
import type { VmFacts } from "../plan/vm-facts.js";
import {
  configFor,
  networkFor,
  type RunMode,
  type VmAttempt,
  type VmPlan,
  vmPlan,
  withoutIpv6,
} from "../plan/vm-plan.js";
import { artifactFolder } from "./artifact-store.js";
import { ensureImage } from "./builder-image.js";
import { type Context, seatMutex } from "./context.js";
import { requireMachine } from "./machine.js";
import { keepRemains } from "./panic-dump.js";
import { noteGdbPort } from "./gdb-script.js";
import { withSubnet } from "./guest-subnet.js";
import { endHostNet, requireThisMachine, startHostNet } from "./host-net.js";
import { joinLan } from "./lan.js";
import { factsOf } from "./choose-vm.js";

/** A VM that was started by this process. Disposing of it removes its container, and the network when it was the last. */
export interface StartedVm extends AsyncDisposable {
  readonly container: Container;
  /** The console: written to is typed, read from is shown. Attached before the start, so nothing is missed. */
  readonly console: Duplex;
  /** QEMU's (or start.sh's) exit code. */
  readonly exit: Promise<number>;
  /** What its label says. */
  readonly facts: VmFacts;
  /** Where the debugger connects to, from the engine's host; undefined without gdb. */
  readonly gdb: PublishedPort | undefined;
  /** Lets go of a VM that is to go on by itself: console and exit are watched no more, or they would keep the process. */
  release(): void;
}

/** Which VM is to be started, and how. */
export interface VmOrder {
  readonly name: string;
  readonly config: Config;
  readonly mode: RunMode;
}

export async function startVm(
  ctx: Context,
  plan: Plan,
  { name, config, mode }: VmOrder,
): Promise<StartedVm> {
  const engine = await ctx.engine();
  await ensureImage(ctx, plan.vmImage, { noCache: false });
  await using _mutex = await seatMutex(ctx);
  const others = await makeRoom(ctx, engine, plan, name);
  const seat = takeSeat(name, Object.keys(config.vms), others);
  const found = await requireMachine({ ctx, config, plan }, engine, seat, mode);
  await endHostNet(engine, plan);
  // What is ours, or not whole yet, is nobody's once we were killed.
  const watch = ctx.host.ifKilled([...ctx.self, "stop", name], ctx.folder);
  try {
    // The engine chooses the addresses of this one: those of the guests must be others.
    const network = networkFor(configFor(config, seat).vm.net, plan.names);
    if (network !== undefined)
      await engine.ensureNetwork(network, labels("network", plan.names.id));
    const settled = await withSubnet(ctx, plan, config);
    const vm = vmPlan(settled, plan, mode, seat, found);
    await checkPorts(ctx, engine, vm);
    if (vm.facts.net === "host") {
      requireThisMachine(await engine.info());
      await startHostNet(ctx, plan, networkOf(settled.vm.net, FIRST_SEAT).gateway);
    }
    const started = watched(await firstThatStarts(ctx, engine, plan, vm), watch);
    try {
      await joinLan(ctx, plan);
      return started;
    } catch (error) {
      await started[Symbol.asyncDispose]();
      throw error;
    }
  } catch (error) {
    await removeNetworkIfUnused(engine, plan);
    watch.callOff();
    throw ctx.signal.aborted ? ctx.signal.reason : error;
  }
}

function watched(started: StartedVm, watch: KillWatch): StartedVm {
  return {
    ...started,
    release() {
      started.release();
      watch.callOff();
    },
    async [Symbol.asyncDispose]() {
      await started[Symbol.asyncDispose]();
      watch.callOff();
    },
  };
}

/** A VM that has ended makes room for a new one; one that runs is an error. Returns the seats that are taken. */
async function makeRoom(
  ctx: Context,
  engine: Engine,
  plan: Plan,
  name: string,
): Promise<readonly VmSeat[]> {
  const vms = await engine.listContainers(labels("vm", plan.names.id));
  for (const vm of vms.filter((vm) => factsOf(vm).seat.name === name)) {
    if (vm.running) {
      const which = name === DEFAULT_VM ? "this project's VM" : `the VM ${name}`;
      throw new KdockError("usage", `${which} is already running`, {
        hint: "Attach with `kdock console`, end it with `kdock stop`, or start another one with --name.",
      });
    }
    ctx.signal.throwIfAborted();
    await keepRemains(ctx, plan, vm);
    await engine.container(vm.id).remove();
  }
  return vms.filter((vm) => vm.running).map((vm) => factsOf(vm).seat);
}

/** Only an engine on this machine shares its ports with us. */
async function checkPorts(ctx: Context, engine: Engine, vm: VmPlan): Promise<void> {
  if (!isOnThisMachine(await engine.info())) return;
  const ports = vm.attempts[0]?.container.ports ?? [];
  for (const { hostAddress, hostPort, containerPort, protocol } of ports) {
    if (hostPort === 0 || protocol !== "tcp") continue;
    if (await ctx.host.portIsFree(hostAddress, hostPort)) continue;
    const owner = (await vmWithPort(engine, hostPort)) ?? (await ctx.host.portOwner(hostPort));
    const isGdb = containerPort === INSIDE.gdbPort;
    throw new KdockError(
      "environment",
      `port ${hostPort} of ${hostAddress} is taken${owner === undefined ? "" : ` by ${owner}`}`,
      {
        hint: isGdb
          ? "Choose another one: `kdock run --gdb 0` takes any free port."
          : "Choose another host port (-p, vm.ports), or end its owner.",
      },
    );
  }
}

async function vmWithPort(engine: Engine, hostPort: number): Promise<string | undefined> {
  const vms = await engine.listContainers(labels("vm", undefined));
  const owner = vms.find((vm) => vm.running && vm.ports.some((port) => port.hostPort === hostPort));
  return (
    owner && `the VM of the kdock project ${owner.labels[LABEL.project] ?? "?"} (${owner.name})`
  );
}

async function firstThatStarts(
  ctx: Context,
  engine: Engine,
  plan: Plan,
  vm: VmPlan,
): Promise<StartedVm> {
  const refusals: unknown[] = [];
  for (const attempt of vm.attempts) {
    const { without } = attempt;
    const isLacking = (refusal: unknown) => messageOf(refusal).includes(without ?? "");
    if (without !== undefined && !refusals.some(isLacking)) continue;
    try {
      const started = await startWithoutIpv6IfNeeded(ctx, engine, plan, attempt);
      announceFallback(ctx, vm, attempt, refusals[0]);
      return started;
    } catch (error) {
      ctx.signal.throwIfAborted();
      if (!(error instanceof KdockError)) throw error;
      refusals.push(error);
    }
  }
  // The first refusal is the one about what was asked for; the last one says what stands in the way of everything.
  throw refusals.at(-1);
}

/** A machine without IPv6 has no such sysctls; only the refusal tells, and it names the one that is missing. */
async function startWithoutIpv6IfNeeded(
  ctx: Context,
  engine: Engine,
  plan: Plan,
  attempt: VmAttempt,
): Promise<StartedVm> {
  try {
    return await start(ctx, engine, plan, attempt);
  } catch (error) {
    ctx.signal.throwIfAborted();
    if (!(error instanceof KdockError) || !/net[./]ipv6/.test(messageOf(error))) throw error;
    const started = await start(ctx, engine, plan, withoutIpv6(attempt));
    ctx.reporter.emit({
      type: "notice",
      text:
        `the engine refuses IPv6 (${firstLine(messageOf(error))}): ` +
        "the guest has no IPv6 gateway (vm.net.ipv6: false asks for none)",
    });
    return started;
  }
}

function announceFallback(ctx: Context, vm: VmPlan, used: VmAttempt, refusal: unknown): void {
  if (used.without !== undefined) {
    ctx.reporter.emit({
      type: "notice",
      text:
        `the engine's machine has no ${used.without} (there: modprobe tun): going on with QEMU's own network ` +
        "(vm.net.mode: user)",
    });
  }
  if (used.privilege === vm.attempts[0]?.privilege) return;
  ctx.reporter.emit({
    type: "notice",
    text:
      `the engine refuses a privileged container (${firstLine(messageOf(refusal))}): ` +
      "going on with least privilege (vm.privilege: least)",
  });
}

function firstLine(text: string): string {
  return text.split("\n")[0] ?? text;
}

async function start(
  ctx: Context,
  engine: Engine,
  plan: Plan,
  attempt: VmAttempt,
): Promise<StartedVm> {
  const container = await engine.createContainer(attempt.container, ctx.signal);
  try {
    await container.putArchive(INSIDE.artifacts, await artifacts(ctx, plan));
    const console = await container.attach();
    const watch = new AbortController();
    const exit = container.wait(AbortSignal.any([ctx.signal, watch.signal]));
    exit.catch(() => undefined);
    await container.start();
    const facts = factsOf(attempt.container);
    const { ports } = await container.inspect();
    const gdb = ports.find((port) => port.containerPort === INSIDE.gdbPort);
    await noteGdbPort(ctx, plan, gdb);
    return {
      container,
      console,
      exit,
      facts,
      gdb,
      release() {
        console.destroy();
        watch.abort();
      },
      async [Symbol.asyncDispose]() {
        console.destroy();
        await container[Symbol.asyncDispose]();
        await removeNetworkIfUnused(engine, plan);
      },
    };
  } catch (error) {
    await container[Symbol.asyncDispose]();
    throw error;
  }
}

async function artifacts(ctx: Context, plan: Plan) {
  const arch = ARCHITECTURES[plan.arch];
  const kernel = artifactFolder(ctx, "kernel", plan.kernel.key);
  const modules = `${kernel}/${FOLDER.modulesCpio}`;
  const files = {
    [kernelInside(arch)]: `${kernel}/${arch.image.target}`,
    [INSIDE.rootfs]: `${artifactFolder(ctx, "rootfs", plan.rootfs.key)}/rootfs.cpio`,
    ...((await ctx.host.files.exists(modules)) ? { [INSIDE.modulesCpio]: modules } : {}),
  };
  return packTar(
    await Promise.all(
      Object.entries(files).map(async ([inside, from]): Promise<TarEntry> => ({
        path: inside.slice(INSIDE.artifacts.length + 1),
        kind: "file",
        mode: 0o644,
        content: await fileContent(ctx, from),
      })),
    ),
  );
}

async function fileContent(ctx: Context, path: string): Promise<Content> {
  const { files } = ctx.host;
  const status = await files.status(path);
  // The file of a set may be a link to another project's.
  if (status?.kind !== "file") return files.readBytes(path);
  return { size: status.sizeBytes, open: () => files.readStream(path) };
}

/** Networks go with the last VM; another VM's attaching at this very moment only means that they stay. */
export async function removeNetworkIfUnused(engine: Engine, plan: Plan): Promise<void> {
  try {
    await endHostNet(engine, plan);
    const left = await engine.listContainers(labels("vm", plan.names.id));
    if (left.length > 0) return;
    for (const name of [plan.names.network, plan.names.lan]) await engine.removeNetwork(name);
  } catch {
    // `kdock clean` removes it; a failure here must not hide what the user asked for.
  }
}
