import type { Container } from "../../engine/engine.js";
import { INSIDE, labels } from "../../core/plan/names.js";
import type { Plan } from "../../build/plan/plan.js";
import { guestName } from "../plan/slots.js";
import type { VmFacts } from "../plan/vm-facts.js";
import type { Context } from "../../core/steps/context.js";
import { KdockError } from "../../core/errors.js";
import { factsOf } from "./choose-vm.js";
import { limiter } from "../../core/steps/limit.js";
import { ensureLan } from "./networks.js";

/** VMs that are told at a time. */
const MOST_AT_ONCE = 8;

/** Whether a VM's guest meets others: only a bridge can be plugged into their network. */
export function isOnLan({ net }: Pick<VmFacts, "net">): boolean {
  return net === "bridge";
}

/** What each VM's dnsmasq is told of all: "10.0.3.2=a". */
export function guestHosts(vms: readonly VmFacts[]): readonly string[] {
  return vms.flatMap(({ address, address6, slot }) =>
    [address, ...(address6 === undefined ? [] : [address6])].map(
      (one) => `${one}=${guestName(slot)}`,
    ),
  );
}

/** Makes the network between so many VMs; false where none is needed: for one VM that was never with others. */
export async function prepareLan(ctx: Context, plan: Plan, vms: number): Promise<boolean> {
  const engine = await ctx.engine();
  const lans = await engine.listNetworks(labels("lan", plan.names.id));
  if (vms < 2 && lans.length === 0) return false;
  await ensureLan(engine, plan, lans);
  return true;
}

/**
 * Lets the guests of a project meet, once there are several: plugs every VM's bridge into one network of the engine, and
 * tells each VM's dnsmasq the names of all. To be called when VMs have gone, or others than those that have come.
 */
export async function joinLan(ctx: Context, plan: Plan): Promise<void> {
  const engine = await ctx.engine();
  const vms = await engine.listContainers(labels("vm", plan.names.id));
  const running = vms.filter((vm) => vm.running && isOnLan(factsOf(vm)));
  if (!(await prepareLan(ctx, plan, running.length))) return;
  const hosts = guestHosts(running.map(factsOf));
  const inTurn = limiter(MOST_AT_ONCE);
  await Promise.all(running.map(({ id }) => inTurn(() => enterLan(ctx, plan, id, hosts))));
}

/** The same for one VM, on a network that is there. */
export async function enterLan(
  ctx: Context,
  plan: Plan,
  id: string,
  hosts: readonly string[],
): Promise<void> {
  const engine = await ctx.engine();
  try {
    const mac = await engine.connectNetwork(plan.names.lan, id);
    await tell(engine.container(id), { mac, hosts }, ctx.signal);
  } catch (error) {
    // One that ends at this very moment has no use for it; whoever started it hears of its end elsewhere.
    if ((await stillRuns(engine.container(id))) || ctx.signal.aborted) throw error;
  }
}

interface LanFacts {
  /** Of the interface that is in the network between VMs; undefined where its name tells. */
  readonly mac: string | undefined;
  readonly hosts: readonly string[];
}

async function tell(vm: Container, { mac, hosts }: LanFacts, signal: AbortSignal): Promise<void> {
  const environment = mac === undefined ? [] : ["env", `KDOCK_LAN_MAC=${mac}`];
  const command = [...environment, "sh", INSIDE.lanScript, ...hosts];
  const exec = await vm.exec(command, { tty: false, signal });
  exec.stream.end();
  exec.stream.resume();
  let said = "";
  for await (const chunk of exec.stderr) said += String(chunk);
  const exitCode = await exec.exitCode();
  if (exitCode === 0) return;
  throw new KdockError("vm", `the VM could not be joined with others: ${said.trim()}`, {
    hint: "`kdock stop` ends it; kdock.yaml's vm.privilege says what its container may do.",
  });
}

async function stillRuns(vm: Container): Promise<boolean> {
  try {
    return (await vm.inspect()).running;
  } catch {
    return false;
  }
}
