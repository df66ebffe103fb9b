import type { Duplex } from "node:stream";
import type { Content } from "../../archive/content.js";
import { packTar, type TarEntry } from "../../archive/tar.js";
import {
  type Container,
  type Engine,
  isOnThisMachine,
  type NetworkInfo,
  type PublishedPort,
} from "../../engine/engine.js";
import { KdockError, messageOf } from "../../core/errors.js";
import type { KillWatch } from "../../host/host.js";
import { ARCHITECTURES } from "../../core/plan/architectures.js";
import { FOLDER, INSIDE, LABEL, labels } from "../../core/plan/names.js";
import type { Plan } from "../../build/plan/plan.js";
import { isGdbPort } from "../../core/plan/ports.js";
import type { ConsoleState } from "../plan/console-state.js";
import { kernelInside } from "../plan/qemu-args.js";
import type { VmFacts } from "../plan/vm-facts.js";
import { type VmAttempt, type VmPlan, withoutIpv6 } from "../plan/vm-plan.js";
import { artifactFolder } from "../../core/steps/artifact-store.js";
import { factsOf } from "./choose-vm.js";
import { type Context, slotMutex } from "../../core/steps/context.js";
import { recordGdbPort } from "../../build/steps/gdb-script.js";
import { endHostNet } from "./host-net.js";
import { networksOf } from "./networks.js";
import { reservations } from "./reservations.js";

/** A VM that was started by this process. Disposing of it removes its container, and the network when it was the last. */
export interface StartedVm extends AsyncDisposable {
  readonly container: Container;
  /** The console: written to is typed, read from is shown. Attached before the start, so nothing is missed. */
  readonly console: Duplex;
  /** QEMU's (or start.sh's) exit code. */
  readonly exit: Promise<number>;
  /** What its label says. */
  readonly facts: VmFacts;
  /** Where the debugger connects to, from the engine's host; undefined without gdb. See `afterStart`. */
  readonly gdb: PublishedPort | undefined;
  /** Lets go of a VM that is to go on by itself: console and exit are watched no more, or they would keep the process. */
  release(): void;
}

/** What is known of a VM once QEMU has started: start.sh may have left its gdbstub out. */
export async function afterStart(
  ctx: Context,
  plan: Plan,
  started: StartedVm,
  { noGdbserver }: ConsoleState,
): Promise<StartedVm> {
  if (noGdbserver === undefined || started.gdb === undefined) return started;
  await recordGdbPort(ctx, plan, undefined);
  return { ...started, gdb: undefined };
}

/** What several starts share. */
export interface Refusals {
  /** Why the engine starts no privileged container: others of the same kind are not tried. */
  privileged: unknown;
  /** Notices that need not be told again. */
  readonly told: Set<string>;
}

export function noRefusals(): Refusals {
  return { privileged: undefined, told: new Set() };
}

/** Starts the container of a VM that has its place. Rejects with what the engine says when it starts none. */
export async function startContainer(
  ctx: Context,
  plan: Plan,
  vm: VmPlan,
  refused: Refusals,
): Promise<StartedVm> {
  const engine = await ctx.engine();
  await checkPorts(ctx, engine, vm);
  try {
    return await firstThatStarts(ctx, engine, plan, vm, refused);
  } catch (error) {
    ctx.signal.throwIfAborted();
    // Another VM may have taken one meanwhile, and who that is says more than the engine does.
    await checkPorts(ctx, engine, vm);
    throw error;
  }
}

/** Calls the watch off when the VM is gone, or is to go on by itself. */
export function watched(started: StartedVm, watch: KillWatch): StartedVm {
  return {
    ...started,
    release() {
      started.release();
      watch.cancel();
    },
    async [Symbol.asyncDispose]() {
      await started[Symbol.asyncDispose]();
      watch.cancel();
    },
  };
}

/** Only an engine on this machine shares its ports with us. */
async function checkPorts(ctx: Context, engine: Engine, vm: VmPlan): Promise<void> {
  if (!isOnThisMachine(await engine.info())) return;
  const ports = vm.attempts[0]?.container.ports ?? [];
  for (const port of ports) {
    const { hostAddress, hostPort, protocol } = port;
    if (hostPort === 0 || protocol !== "tcp") continue;
    if (await ctx.host.portIsFree(hostAddress, hostPort)) continue;
    const owner = (await vmWithPort(engine, hostPort)) ?? (await ctx.host.portOwner(hostPort));
    throw new KdockError(
      "environment",
      `port ${hostPort} of ${hostAddress} is taken${owner === undefined ? "" : ` by ${owner}`}`,
      {
        hint: isGdbPort(port)
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
  refused: Refusals,
): Promise<StartedVm> {
  const refusals: unknown[] = [];
  for (const attempt of vm.attempts) {
    if (attempt.privilege === "privileged" && refused.privileged !== undefined) {
      refusals.push(refused.privileged);
      continue;
    }
    const { without } = attempt;
    const isLacking = (refusal: unknown) => messageOf(refusal).includes(without ?? "");
    if (without !== undefined && !refusals.some(isLacking)) continue;
    try {
      const started = await startWithoutIpv6IfNeeded(ctx, engine, plan, attempt);
      if (attempt.privilege !== vm.attempts[0]?.privilege) refused.privileged = refusals[0];
      announceFallback(ctx, vm, attempt, refusals[0], refused.told);
      return started;
    } catch (error) {
      ctx.signal.throwIfAborted();
      if (!(error instanceof KdockError)) throw error;
      refusals.push(error);
    }
  }
  // The last attempt asks the engine for the least: what it refuses there is why no container starts at all.
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

function announceFallback(
  ctx: Context,
  vm: VmPlan,
  used: VmAttempt,
  refusal: unknown,
  told: Set<string>,
): void {
  const tell = (text: string) => {
    if (!told.has(text)) ctx.reporter.emit({ type: "notice", text });
    told.add(text);
  };
  if (used.without !== undefined) {
    tell(
      `the engine's machine has no ${used.without} (there: modprobe tun): going on with QEMU's own network ` +
        "(vm.net.mode: user)",
    );
  }
  if (used.privilege === vm.attempts[0]?.privilege) return;
  tell(
    `the engine refuses a privileged container (${firstLine(messageOf(refusal))}): ` +
      "going on with least privilege (vm.privilege: least)",
  );
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
    const gdb = ports.find(isGdbPort);
    await recordGdbPort(ctx, plan, gdb);
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
        await removeNetworkIfUnused(ctx, plan);
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

/** Another start holds the lock while it waits for its part of the host's network at most. */
const LOCK_MS = 30_000;

/** Networks go with the last VM, unless another one is being started. Not for the holder of `slotMutex`. */
export async function removeNetworkIfUnused(ctx: Context, plan: Plan): Promise<void> {
  try {
    await endHostNet(ctx, plan);
    if ((await unusedNetworks(ctx, plan)).length === 0) return;
    // A VM that takes its place between the check and the removal would find no network. Also after Ctrl-C.
    await using _mutex = await slotMutex(ctx, AbortSignal.timeout(LOCK_MS));
    await removeUnusedNetworks(ctx, plan);
  } catch {
    // `kdock clean` removes it; a failure here must not hide what the user asked for.
  }
}

/** The same for the holder of `slotMutex`. */
export async function removeNetworkLocked(ctx: Context, plan: Plan): Promise<void> {
  try {
    await endHostNet(ctx, plan);
    await removeUnusedNetworks(ctx, plan);
  } catch {
    // As above.
  }
}

async function removeUnusedNetworks(ctx: Context, plan: Plan): Promise<void> {
  const engine = await ctx.engine();
  for (const { id } of await unusedNetworks(ctx, plan)) await engine.removeNetwork(id);
}

async function unusedNetworks(ctx: Context, plan: Plan): Promise<readonly NetworkInfo[]> {
  const engine = await ctx.engine();
  // In this order: one that has started has given up its reservation.
  if ((await reservations(ctx)).length > 0) return [];
  const left = await engine.listContainers(labels("vm", plan.names.id));
  if (left.length > 1) return [];
  // The network between VMs is of no use to one VM. The engine refuses to remove it while that VM is connected to it.
  return await networksOf(engine, plan, left.length === 0 ? ["network", "lan"] : ["lan"]);
}
