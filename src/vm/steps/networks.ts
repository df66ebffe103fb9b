import type { Engine, NetworkInfo } from "../../engine/engine.js";
import { labels, LINK } from "../../core/plan/names.js";
import type { Plan } from "../../build/plan/plan.js";

/** The engine's default bridge, which has the MTU that dockerd was told (--mtu); other networks do not take it over. */
const DEFAULT_BRIDGE = "bridge";

/** Not asked for, so that the engine's default-network-opts count. */
const USUAL_MTU = 1500;

/** The network that VMs' containers leave by, unless it is there. */
export async function ensureVmNetwork(engine: Engine, plan: Plan, network: string): Promise<void> {
  const usual = await mtuOf(engine, DEFAULT_BRIDGE);
  const mtu = usual === USUAL_MTU ? undefined : usual;
  await engine.ensureNetwork(network, labels("network", plan.names.id), { mtu });
}

/**
 * The network between VMs, unless it is there. Guests send each other frames as large as those for the way out. The engine's
 * host has no part in it: a guest leaves by its own container, whose rules know its address, and by no other way.
 */
export async function ensureLan(
  engine: Engine,
  plan: Plan,
  there: readonly NetworkInfo[],
): Promise<void> {
  for (const { id, isolated } of there) {
    // An older kdock gave the host an address there. While VMs have it, it stays.
    if (!isolated) await engine.removeNetwork(id).catch(() => undefined);
  }
  const mtu = await mtuOf(engine, plan.names.network);
  await engine.ensureNetwork(plan.names.lan, labels("lan", plan.names.id), {
    ...{ prefix: LINK.lanPrefix, mtu, isolated: true },
  });
}

async function mtuOf(engine: Engine, name: string): Promise<number | undefined> {
  return (await engine.listNetworks({})).find((network) => network.name === name)?.mtu;
}

type NetworkRole = "network" | "lan";

/** Those that kdock has made for the project. One that a person made under their names before is left alone. */
export async function networksOf(
  engine: Engine,
  plan: Plan,
  roles: readonly NetworkRole[] = ["network", "lan"],
): Promise<NetworkInfo[]> {
  const made = await Promise.all(
    roles.map((role) => engine.listNetworks(labels(role, plan.names.id))),
  );
  return made.flat();
}
