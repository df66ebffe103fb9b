import type { Config } from "../../config/config.js";
import type { ContainerInfo } from "../../engine/engine.js";
import { KdockError } from "../../core/errors.js";
import { vmWordsUnlessDefault } from "../../core/vm-words.js";
import type { KillWatch } from "../../host/host.js";
import { DEFAULT_VM, labels } from "../../core/plan/names.js";
import { networkOf } from "../plan/net-modes.js";
import type { Plan } from "../../build/plan/plan.js";
import { FIRST_SLOT, takeSlot, type VmSlot } from "../plan/slots.js";
import type { VmFacts } from "../plan/vm-facts.js";
import { configFor, networkFor, type RunMode, vmPlan } from "../plan/vm-plan.js";
import { ensureImage } from "../../build/steps/builder-image.js";
import { factsOf } from "./choose-vm.js";
import { type Context, slotMutex } from "../../core/steps/context.js";
import { withSubnet } from "./guest-subnet.js";
import { endHostNet, requireThisMachine, startHostNet } from "./host-net.js";
import { enterLan, guestHosts, isOnLan, joinLan, prepareLan } from "./lan.js";
import { limiter } from "../../core/steps/limit.js";
import { requireMachine } from "./machine.js";
import { ensureVmNetwork } from "./networks.js";
import { keepRemains } from "./panic-dump.js";
import { note, reservations, takeName } from "./reservations.js";
import {
  noRefusals,
  type Refusals,
  removeNetworkIfUnused,
  removeNetworkLocked,
  startContainer,
  type StartedVm,
  watched,
} from "./start-vm.js";

/** Containers that are made and started at a time: more only make each other wait. */
const MOST_AT_ONCE = 4;

/** Which VMs are to be started, and how. */
export interface VmOrders {
  readonly names: readonly string[];
  readonly config: Config;
  readonly mode: RunMode;
}

export interface VmOrder extends Omit<VmOrders, "names"> {
  readonly name: string;
}

export interface Starting {
  /** One for each name, in their order. Resolves when the container runs, and rejects without regard to the others. */
  readonly vms: readonly Promise<StartedVm>[];
  /** Resolves when every VM has started or failed, and those that run know each other. */
  readonly met: Promise<void>;
}

/** Starts VMs side by side. They take their places together; what that costs does not grow with their number. */
export function startVms(ctx: Context, plan: Plan, orders: VmOrders): Starting {
  const placing = takePlaces(ctx, plan, orders);
  const inTurn = limiter(MOST_AT_ONCE);
  const vms = orders.names.map((name) =>
    inTurn(async () => startPlaced(ctx, plan, orders, await placing, name)),
  );
  const met = meet(ctx, plan, placing, vms);
  for (const promise of [placing, met, ...vms]) promise.catch(() => undefined);
  return { vms, met };
}

export async function startVm(
  ctx: Context,
  plan: Plan,
  { name, ...order }: VmOrder,
): Promise<StartedVm> {
  const { vms, met } = startVms(ctx, plan, { ...order, names: [name] });
  const [vm] = await Promise.allSettled(vms);
  const [meeting] = await Promise.allSettled([met]);
  if (vm?.status !== "fulfilled") throw vm?.reason ?? new Error("no VM was asked for");
  if (meeting.status === "fulfilled") return vm.value;
  await vm.value[Symbol.asyncDispose]();
  throw meeting.reason;
}

/** One VM's, from when it is chosen until its container runs. */
interface Place extends AsyncDisposable {
  readonly slot: VmSlot;
  /** If kdock is killed during start-up, this watchdog removes the VM. */
  readonly watch: KillWatch;
  /** As planned: what the engine's machine lacks may change the mode. */
  readonly facts: VmFacts;
}

interface Places {
  /** With the guests' subnet. */
  readonly config: Config;
  /** A place, or why there is none. */
  readonly of: ReadonlyMap<string, Place | Error>;
  /** Containers of VMs that have ended. */
  readonly ended: readonly ContainerInfo[];
  /** Of VMs that ran or were being started before. */
  readonly hasOthers: boolean;
  /** What every guest is told of the others; undefined where there are no others. */
  readonly hosts: readonly string[] | undefined;
  readonly refused: Refusals;
}

/**
 * Chooses the slots and the guests' subnet, and makes the networks, under a lock: VMs that are started at the same time,
 * also by other kdocks, choose different ones.
 */
async function takePlaces(ctx: Context, plan: Plan, orders: VmOrders): Promise<Places> {
  const engine = await ctx.engine();
  await ensureImage(ctx, plan.vmImage, { noCache: false });
  await using _mutex = await slotMutex(ctx);
  await endHostNet(ctx, plan);
  const of = new Map<string, Place | Error>();
  try {
    // In this order: one that has started has given up its reservation.
    const others = await reservations(ctx);
    const vms = await engine.listContainers(labels("vm", plan.names.id));
    const running = vms.filter((vm) => vm.running).map(factsOf);
    // The engine chooses the addresses of this one: those of the guests must be others.
    const network = orders.names
      .map((name) => networkOfVm(orders.config, name, plan))
      .find(Boolean);
    if (network !== undefined) await ensureVmNetwork(engine, plan, network);
    const config = await withSubnet(ctx, plan, orders.config);
    const taken = [...running, ...others].map(({ slot }) => slot);
    for (const name of orders.names) {
      const place = await takePlace(ctx, plan, { ...orders, config }, name, taken);
      if (!(place instanceof Error)) taken.push(place.slot);
      of.set(name, place);
    }
    const planned = [...of.values()].flatMap((place) =>
      place instanceof Error ? [] : [place.facts],
    );
    if (planned.some(({ net }) => net === "host")) {
      requireThisMachine(await engine.info());
      await startHostNet(ctx, plan, networkOf(config.vm.net, FIRST_SLOT).gateway);
    }
    const onLan = [...running, ...planned].filter(isOnLan);
    const hasLan = planned.some(isOnLan) && (await prepareLan(ctx, plan, onLan.length));
    return {
      ...{ config, of, refused: noRefusals() },
      ended: vms.filter((vm) => !vm.running),
      hasOthers: running.length + others.length > 0,
      hosts: hasLan ? guestHosts(onLan) : undefined,
    };
  } catch (error) {
    for (const place of of.values()) {
      if (place instanceof Error) continue;
      await place[Symbol.asyncDispose]();
      place.watch.cancel();
    }
    await removeNetworkLocked(ctx, plan);
    throw ctx.signal.aborted ? ctx.signal.reason : error;
  }
}

function networkOfVm(config: Config, name: string, { names }: Plan): string | undefined {
  return networkFor(configFor(config, { name, index: 0 }).vm.net, names);
}

async function takePlace(
  ctx: Context,
  plan: Plan,
  { config, mode }: VmOrders,
  name: string,
  taken: readonly VmSlot[],
): Promise<Place | Error> {
  try {
    if (taken.some((slot) => slot.name === name)) await refuseName(ctx, name);
    const held = await takeName(ctx, name);
    try {
      const slot = takeSlot(name, Object.keys(config.vms), taken);
      const { facts } = vmPlan(config, plan, mode, slot);
      await note(ctx, { slot, net: facts.net, subnet: facts.subnet });
      const watch = ctx.host.ifKilled([...ctx.self, "stop", name], ctx.folder);
      return { slot, facts, watch, [Symbol.asyncDispose]: () => held[Symbol.asyncDispose]() };
    } catch (error) {
      await held[Symbol.asyncDispose]();
      throw error;
    }
  } catch (error) {
    if (error instanceof KdockError) return error;
    throw error;
  }
}

async function refuseName(ctx: Context, name: string): Promise<never> {
  // One that is being started is told with the process that does it.
  await using _held = await takeName(ctx, name);
  const vm = vmWordsUnlessDefault(name);
  const which = name === DEFAULT_VM ? "this project's VM" : `the VM ${name}`;
  throw new KdockError("usage", `${which} is already running`, {
    hint: `Attach with \`kdock console${vm}\`, end it with \`kdock stop${vm}\`, or start another one with --name.`,
  });
}

async function startPlaced(
  ctx: Context,
  plan: Plan,
  { config, mode }: VmOrders,
  places: Places,
  name: string,
): Promise<StartedVm> {
  const place = places.of.get(name);
  if (place === undefined || place instanceof Error)
    throw place ?? new Error(`no place for ${name}`);
  try {
    await makeRoom(ctx, plan, places, name);
    const found = await requireMachine({ ctx, config, plan }, await ctx.engine(), place.slot, mode);
    const vm = vmPlan(places.config, plan, mode, place.slot, found);
    const started = watched(await startContainer(ctx, plan, vm, places.refused), place.watch);
    try {
      if (places.hosts !== undefined && isOnLan(started.facts)) {
        await enterLan(ctx, plan, started.container.id, places.hosts);
      }
      return started;
    } catch (error) {
      await started[Symbol.asyncDispose]();
      throw error;
    }
  } catch (error) {
    await place[Symbol.asyncDispose]();
    await removeNetworkIfUnused(ctx, plan);
    place.watch.cancel();
    throw ctx.signal.aborted ? ctx.signal.reason : error;
  } finally {
    await place[Symbol.asyncDispose]();
  }
}

/** A VM that has ended makes room for a new one of its name. */
async function makeRoom(ctx: Context, plan: Plan, { ended }: Places, name: string): Promise<void> {
  ctx.signal.throwIfAborted();
  const engine = await ctx.engine();
  for (const vm of ended.filter((each) => factsOf(each).slot.name === name)) {
    await keepRemains(ctx, plan, vm);
    await engine.container(vm.id).remove();
    ctx.signal.throwIfAborted();
  }
}

/**
 * Tells the VMs each other's names once more where that is needed: each got the list of all planned VMs when it started, but
 * those that ran before lack the new ones, and one that failed to start is still on the list.
 */
async function meet(
  ctx: Context,
  plan: Plan,
  placing: Promise<Places>,
  vms: readonly Promise<StartedVm>[],
): Promise<void> {
  const ends = await Promise.allSettled(vms);
  const started = ends.flatMap((end) => (end.status === "fulfilled" ? [end.value.facts] : []));
  if (started.length === 0) {
    await removeNetworkIfUnused(ctx, plan);
    return;
  }
  const { hosts, hasOthers } = await placing;
  const isTold = guestHosts(started.filter(isOnLan)).length === hosts?.length;
  if (hasOthers || (hosts !== undefined && !isTold)) await joinLan(ctx, plan);
}
