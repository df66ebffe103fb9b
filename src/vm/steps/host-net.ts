import { setTimeout as sleep } from "node:timers/promises";
import {
  type Container,
  type ContainerSpec,
  type Engine,
  type EngineInfo,
  isOnThisMachine,
} from "../../engine/engine.js";
import { KdockError, messageOf } from "../../core/errors.js";
import { hostNetContainer } from "../plan/host-net-plan.js";
import { LABEL, labels, TUN } from "../../core/plan/names.js";
import type { Plan } from "../../build/plan/plan.js";
import { factsOf } from "./choose-vm.js";
import type { Context } from "../../core/steps/context.js";
import { linesOf } from "../../core/steps/lines.js";
import { reservations } from "./reservations.js";

/** How long the host's part of the network may take to come, and to go once its last VM has ended. */
const READY_MS = 30_000;
const GONE_MS = 15_000;
const STOP_SECONDS = 10;
const LOOK_EVERY_MS = 50;

/** Throws a `usage` error for an engine whose host is not the machine that somebody expects a bridge on. */
export function requireThisMachine(engine: EngineInfo): void {
  const why = !isOnThisMachine(engine)
    ? `the engine at ${engine.endpoint} is on another machine`
    : engine.operatingSystem === "Docker Desktop"
      ? "Docker Desktop's engine is in a virtual machine"
      : engine.rootless
        ? "a rootless engine has a network namespace of its own"
        : undefined;
  if (why === undefined) return;
  throw new KdockError(
    "usage",
    `vm.net.mode host: ${why}, and the bridge would not be on this machine`,
    { hint: "Run kdock on the engine's machine, or use --net bridge, which works everywhere." },
  );
}

/** Starts the host's part of the network unless it is there; resolves when VMs can take taps of it. */
export async function startHostNet(ctx: Context, plan: Plan, gateway: string): Promise<void> {
  const engine = await ctx.engine();
  const [there] = await engine.listContainers(labels("hostnet", plan.names.id));
  if (there?.running === true) return;
  const image = plan.vmImage.tag;
  await engine.ensureVolume(plan.names.hostVolume, labels("hostnet", plan.names.id, image));
  const spec = hostNetContainer(plan.names, image, { kind: "serve", gateway });
  const container = await engine.createContainer(spec, ctx.signal);
  try {
    await container.start();
  } catch (error) {
    if (!messageOf(error).includes(TUN)) throw error;
    throw new KdockError("environment", `the engine's machine has no ${TUN} for vm.net.mode host`, {
      hint: "Run `modprobe tun` there as root, or use --net user.",
      cause: error,
    });
  }
  const last = await firstWord(ctx, container);
  if (last.startsWith("ready ")) return;
  throw new KdockError(
    "environment",
    `the host's part of the network could not be made: ${last.replace(/^error: /, "")}`,
    { hint: "--net bridge needs nothing of the host; --subnet names another network." },
  );
}

/** "ready br0", or why it is not. */
async function firstWord(ctx: Context, container: Container): Promise<string> {
  const hangUp = new AbortController();
  const signal = AbortSignal.any([ctx.signal, hangUp.signal, AbortSignal.timeout(READY_MS)]);
  const logs = await container.logs({ follow: true, signal });
  let last = "";
  try {
    for await (const line of linesOf(logs)) {
      last = line;
      if (/^(ready|error:) /.test(line)) break;
    }
  } catch (error) {
    ctx.signal.throwIfAborted();
    if (!signal.aborted) throw error;
  } finally {
    logs.destroy();
    // It goes on without a word: nothing else would end the connection.
    hangUp.abort();
  }
  return last === "" ? "it says nothing" : last;
}

/**
 * Sees to it that nothing of the host's part of the network is left when no VM of the project has it: waits while it
 * takes itself away, does that in its place when it could not, and removes its container and volume. Nothing happens
 * while a VM has it, or when there never was one.
 */
export async function endHostNet(ctx: Context, plan: Plan): Promise<void> {
  for (const deadline = Date.now() + GONE_MS; ;) {
    try {
      await endNow(ctx, plan);
      return;
    } catch (error) {
      // Another kdock that saw the VM end does the same at this very moment.
      if (!(error instanceof KdockError) || Date.now() > deadline) throw error;
      await sleep(LOOK_EVERY_MS);
    }
  }
}

async function endNow(ctx: Context, plan: Plan): Promise<void> {
  const engine = await ctx.engine();
  const { names } = plan;
  const mine = labels("hostnet", names.id);
  const [there] = await engine.listContainers(mine);
  const [volume] = await engine.listVolumes(mine);
  if (there === undefined && volume === undefined) return;
  const vms = () => engine.listContainers(labels("vm", names.id));
  const isInUse = async () =>
    // In this order: one that has started has given up its reservation.
    (await reservations(ctx)).some(({ net }) => net === "host") ||
    (await vms()).some((vm) => vm.running && factsOf(vm).net === "host");
  if (await isInUse()) return;
  let hasCleaned = false;
  if (there !== undefined) {
    const container = engine.container(there.id);
    if (!(await ended(container, isInUse))) return;
    hasCleaned = (await container.inspect()).exitCode === 0;
    await container.remove();
  }
  if (volume === undefined) return;
  const image = volume.labels[LABEL.key] ?? plan.vmImage.tag;
  if (!hasCleaned) await clean(engine, hostNetContainer(names, image, { kind: "clean" }));
  // A VM that has ended, and may still be looked at, keeps it.
  const isKept = (await vms()).some((vm) => factsOf(vm).net === "host");
  if (!isKept) await engine.removeVolume(names.hostVolume);
}

/** Resolves with false when a VM has taken it meanwhile. */
async function ended(container: Container, isInUse: () => Promise<boolean>): Promise<boolean> {
  for (const deadline = Date.now() + GONE_MS; Date.now() < deadline;) {
    if (!(await container.inspect()).running) return true;
    if (await isInUse()) return false;
    await sleep(LOOK_EVERY_MS);
  }
  // One that nobody ever took a tap of waits longer, unless it is told.
  await container.stop(STOP_SECONDS);
  return true;
}

/** What was to be undone stands in the volume. */
async function clean(engine: Engine, spec: ContainerSpec): Promise<void> {
  const signal = AbortSignal.timeout(GONE_MS);
  await using container = await engine.createContainer(spec, signal);
  const exit = container.wait(signal);
  await container.start();
  const exitCode = await exit;
  if (exitCode === 0) return;
  throw new KdockError("environment", "what mode host has made on this machine is still there", {
    hint: `\`docker logs ${spec.name}\` says why; \`kdock stop\` tries again.`,
  });
}
