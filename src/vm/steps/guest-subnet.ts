import type { Config } from "../../config/config.js";
import { type Engine, isOnThisMachine } from "../../engine/engine.js";
import { labels } from "../../core/plan/names.js";
import type { Plan } from "../../build/plan/plan.js";
import { chooseSubnet, routedRanges, type TakenRange } from "../plan/subnet.js";
import { configFor } from "../plan/vm-plan.js";
import { factsOf } from "./choose-vm.js";
import type { Context } from "../../core/steps/context.js";
import { endHostNet, requireThisMachine } from "./host-net.js";
import { reservations } from "./reservations.js";

/**
 * The configuration with the subnet that the project's guests have: that of those that run or start, the named one, or one that
 * clashes with nothing. Rejects with an `environment` error that names what the named one clashes with.
 */
export async function withSubnet(ctx: Context, plan: Plan, config: Config): Promise<Config> {
  const engine = await ctx.engine();
  const { net } = config.vm;
  // In this order: one that has started has given up its reservation.
  const others = await reservations(ctx);
  const vms = await engine.listContainers(labels("vm", plan.names.id));
  const running = vms.filter((vm) => vm.running).map((vm) => factsOf(vm));
  const inUse = [...running, ...others].map(({ subnet }) => subnet);
  const shared = inUse.find((subnet) => subnet !== "" && [subnet, "auto"].includes(net.subnet));
  const subnet = shared ?? chooseSubnet(net.subnet, await takenRanges(ctx, engine, plan));
  return { ...config, vm: { ...config.vm, net: { ...net, subnet } } };
}

/**
 * Before anything is built or started: rejects where the VMs that are meant could not have the network that is asked
 * for, with a `usage` or `environment` error. Comes after `checkMachines`, which looks at each VM's own words.
 */
export async function checkNetwork(
  ctx: Context,
  plan: Plan,
  config: Config,
  vms: readonly string[],
): Promise<void> {
  const isHost = vms.some((name) => configFor(config, { name, index: 0 }).vm.net.mode === "host");
  if (!isHost && config.vm.net.subnet === "auto") return;
  const engine = await ctx.engine();
  if (isHost) requireThisMachine(await engine.info());
  // The route to a bridge that is about to go would be a clash.
  await endHostNet(ctx, plan);
  await withSubnet(ctx, plan, config);
}

/** What guests must be able to reach beyond their own network, and who has it. */
async function takenRanges(ctx: Context, engine: Engine, plan: Plan): Promise<TakenRange[]> {
  const networks = await engine.listNetworks({});
  const docker = networks.flatMap(({ name, subnets }) =>
    subnets.map((subnet) => ({ subnet, owner: `the Docker network ${name}` })),
  );
  const isLocal = isOnThisMachine(await engine.info());
  const table = isLocal ? await ctx.host.files.readText("/proc/net/route") : undefined;
  // The engine's bridges have routes of their own: the network's name says more.
  const known = new Set(docker.map(({ subnet }) => subnet));
  const routes = routedRanges(table ?? "").filter(({ subnet }) => !known.has(subnet));
  // Nobody has an address in the project's lan: it only carries the guests' own.
  const lan = `the Docker network ${plan.names.lan}`;
  return [...docker.filter(({ owner }) => owner !== lan), ...routes];
}
