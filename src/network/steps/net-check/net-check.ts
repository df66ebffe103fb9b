import { type Container, type ContainerInfo, type PublishedPort } from "../../../engine/engine.js";
import { KdockError, messageOf } from "../../../core/errors.js";
import { fail, type Finding, ok } from "../../../core/plan/finding.js";
import { labels } from "../../../core/plan/names.js";
import { isGdbPort } from "../../../core/plan/ports.js";
import { gatewayFinding, wireFault } from "../../plan/net-check/gateway.js";
import { guestFinding, untouchedGuest } from "../../plan/net-check/guest.js";
import { inwardFinding, portFinding } from "../../plan/net-check/inward.js";
import { ipv6Finding } from "../../plan/net-check/ipv6.js";
import { mtuFinding } from "../../plan/net-check/mtu.js";
import { dnsFinding } from "../../plan/net-check/dns.js";
import { natFinding } from "../../plan/net-check/nat.js";
import { neighbourFinding } from "../../plan/net-check/neighbour.js";
import { containerFinding, wayOutFinding } from "../../plan/net-check/outside.js";
import type { Scene } from "../../plan/net-check/scene.js";
import type { Project } from "../../../build/project.js";
import { factsOf, namesOf as vmNamesOf, notRunning } from "../../../vm/steps/choose-vm.js";
import { panicOfVm } from "../../../vm/steps/console-log.js";
import type { Context } from "../../../core/steps/context.js";
import { limiter } from "../../../core/steps/limit.js";
import { findVm } from "../../../vm/steps/vms.js";
import { type Checked, namesOf, readContainerFacts } from "./checked.js";
import { connectToPort, guestPortOf } from "./connections.js";
import { type AskedGuest, askedGuest, silentBy, SilentGuest } from "./guest.js";
import { type Peer, startPeer } from "./peer.js";
import { noProbes, probe, type Probes } from "./probes.js";

export interface NetCheck {
  /** Every hop of every VM is ok. */
  readonly ok: boolean;
  readonly vms: readonly VmCheck[];
}

interface VmCheck {
  readonly vm: string;
  readonly ok: boolean;
  readonly findings: readonly Finding[];
}

/**
 * Sends packets over every hop of a VM's network and checks links, routes and rules; for all VMs of the project if
 * `wanted` is undefined. Programs in the guest and containers that it starts are removed at the end. No host outside is
 * contacted.
 *
 * Rejects with a `vm` error for a VM that does not run, if it is named or the only one.
 */
export async function checkNet(project: Project, wanted: string | undefined): Promise<NetCheck> {
  const { ctx, plan } = project;
  const engine = await ctx.engine();
  const all = await engine.listContainers(labels("vm", plan.names.id));
  const names = vmNamesOf(all).sort();
  const vms =
    wanted === undefined && names.length > 1
      ? await oneByOne(names, (name) => checkVm(project, name).catch(endedVm(ctx, name)))
      : [await checkVm(project, wanted)];
  return { ok: vms.every((vm) => vm.ok), vms };
}

/** In sequence, since checks compete for the processors and would time out. */
async function oneByOne<T>(names: readonly string[], check: (name: string) => Promise<T>) {
  const results: T[] = [];
  for (const name of names) results.push(await check(name));
  return results;
}

function result(vm: string, findings: readonly Finding[]): VmCheck {
  return { vm, ok: findings.every(({ verdict }) => verdict === "ok"), findings };
}

const endedVm =
  ({ signal }: Context, vm: string) =>
  (error: unknown): VmCheck => {
    signal.throwIfAborted();
    if (!(error instanceof KdockError) || error.code !== "vm") throw error;
    return result(vm, [fail("guest", error.message, error.hint ?? "")]);
  };

async function checkVm(project: Project, wanted: string | undefined): Promise<VmCheck> {
  const { ctx, plan } = project;
  const { container, info } = await findVm(ctx, plan, wanted);
  await requireRunning(ctx, container, info);
  const vm = factsOf(info).slot.name;
  try {
    const facts = await readContainerFacts(container, ctx.signal);
    const engine = await ctx.engine();
    const all = await engine.listContainers(labels("vm", plan.names.id));
    const vms = all.filter(({ running }) => running);
    const names = namesOf(info, all.length > 1);
    return result(vm, await hops({ ...project, info, container, facts, names, vms }));
  } catch (error) {
    ctx.signal.throwIfAborted();
    // If the VM has ended meanwhile, report that instead.
    const { info: now } = await findVm(ctx, plan, vm);
    await requireRunning(ctx, container, now);
    throw error;
  }
}

async function requireRunning(
  ctx: Context,
  container: Container,
  info: ContainerInfo,
): Promise<void> {
  if (info.running) return;
  const reason = await panicOfVm(ctx, container);
  const { status } = info;
  throw notRunning(
    info,
    reason === undefined ? status : `its kernel panicked: ${reason}; ${status}`,
  );
}

async function hops(checked: Checked): Promise<readonly Finding[]> {
  const { ctx, plan, info, container, facts } = checked;
  if (facts.mode === "none") return [ok("guest", "this VM has no network card (vm.net.mode none)")];
  // Started in parallel; each is disposed of even if the other fails.
  const opening = askedGuest(container, facts.guestMac, ctx.signal);
  const [asked, started] = await Promise.allSettled([opening, startPeer(ctx, plan, info, facts)]);
  await using guest = settled(asked);
  await using peer = settled(started);
  try {
    if (asked.status === "rejected") throw asked.reason;
    const noPeer = started.status === "rejected" ? messageOf(started.reason) : undefined;
    return await allHops(checked, asked.value, peer, noPeer);
  } catch (error) {
    ctx.signal.throwIfAborted();
    const why = silentBy(guest?.signal, error);
    if (why instanceof SilentGuest) return await silentHops(checked, why);
    throw why;
  }
}

function settled<T>(outcome: PromiseSettledResult<T>): T | undefined {
  return outcome.status === "fulfilled" ? outcome.value : undefined;
}

/** For a guest that does not respond: the container's side only. */
async function silentHops(checked: Checked, silent: SilentGuest): Promise<readonly Finding[]> {
  const { facts: container, names } = checked;
  const scene: Scene = { container, names, guest: untouchedGuest(container) };
  return [
    guestFinding(scene, silent.state),
    ...(await findingsOf(checked, scene, undefined, noProbes(checked))),
  ];
}

async function allHops(
  checked: Checked,
  guest: AskedGuest,
  peer: Peer | undefined,
  /** The error if the peer could not be started. */
  noPeer: string | undefined,
): Promise<readonly Finding[]> {
  const { facts: container, names } = checked;
  const scene: Scene = { container, names, guest: guest.facts };
  const first = guestFinding(scene, { kind: "answers", ms: guest.ms, facts: guest.facts });
  const canSend = guest.facts.isUp && guest.facts.addresses.length > 0 && !hasWireFault(scene);
  const probes = canSend ? await probe(checked, scene, guest, peer) : noProbes(checked);
  const peerFinding =
    noPeer === undefined
      ? []
      : [fail("container", `no second container could be started: ${noPeer}`, "`kdock doctor`")];
  return [
    first,
    ...peerFinding,
    ...(await findingsOf(checked, scene, canSend ? guest : undefined, probes)),
  ];
}

function hasWireFault(scene: Scene): boolean {
  return scene.container.mode === "bridge" && wireFault(scene) !== undefined;
}

async function findingsOf(
  checked: Checked,
  scene: Scene,
  /** For connections from the host; undefined if they cannot succeed. */
  guest: AskedGuest | undefined,
  probes: Probes,
): Promise<readonly Finding[]> {
  const isBridge = checked.facts.mode === "bridge";
  const gateway = gatewayFinding(scene, probes.gateway);
  const outside = containerFinding(scene, gateway, probes.outside);
  const dns = dnsFinding(scene, gateway, probes.dns);
  const inward = isBridge ? [inwardFinding(scene, gateway, probes.inward)] : [];
  const { gateway: engineGateway } = await checked.container.inspect();
  return [
    gateway,
    outside,
    natFinding(scene, probes.outside),
    wayOutFinding(scene, engineGateway),
    ...inward,
    ...(await portFindings(checked, scene, guest, [gateway, outside, ...inward])),
    dns,
    mtuFinding(scene, probes.full),
    ipv6Finding(scene, probes.ipv6),
    ...probes.neighbours.map((neighbour) => neighbourFinding(scene, dns, neighbour)),
  ];
}

async function portFindings(
  { ctx, info, facts }: Checked,
  scene: Scene,
  guest: AskedGuest | undefined,
  before: readonly Finding[],
): Promise<readonly Finding[]> {
  // Only one program in the guest can listen on a port.
  const turns = new Map<string, ReturnType<typeof limiter>>();
  return await Promise.all(
    guestPorts(info.ports).map(async (port) => {
      const { protocol, containerPort, hostAddress, hostPort } = port;
      const published = { protocol, host: `${hostAddress}:${hostPort}`, port: containerPort };
      const listener = `${protocol}/${guestPortOf(facts, port)}`;
      const inTurn = turns.get(listener) ?? limiter(1);
      turns.set(listener, inTurn);
      const probe = await inTurn(() => connectToPort(ctx, guest, facts, port));
      return portFinding(scene, before, published, probe);
    }),
  );
}

/** Excludes the gdbserver's port, which is QEMU's, and the IPv6 duplicate of a port that is published for both families. */
function guestPorts(ports: readonly PublishedPort[]): readonly PublishedPort[] {
  const seen = new Map<string, PublishedPort>();
  for (const port of ports) {
    if (isGdbPort(port)) continue;
    const key = `${port.protocol}/${port.containerPort}/${port.hostPort}`;
    if (!seen.has(key) || !port.hostAddress.includes(":")) seen.set(key, port);
  }
  return [...seen.values()];
}
