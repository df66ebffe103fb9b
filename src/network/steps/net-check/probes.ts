import type { ContainerInfo } from "../../../engine/engine.js";
import type { DnsProbe } from "../../plan/net-check/dns.js";
import { parseEchoes } from "../../plan/net-check/facts.js";
import { type GatewayProbe, wireFault } from "../../plan/net-check/gateway.js";
import type { InwardProbe } from "../../plan/net-check/inward.js";
import { natFault } from "../../plan/net-check/nat.js";
import { haveCommonNetwork, type NeighbourProbe } from "../../plan/net-check/neighbour.js";
import type { OutsideProbe } from "../../plan/net-check/outside.js";
import type { Ping } from "../../plan/net-check/ping.js";
import { disturbance, gatewayOf, type Scene } from "../../plan/net-check/scene.js";
import { guestName } from "../../../vm/plan/slots.js";
import { factsOf } from "../../../vm/steps/choose-vm.js";
import { askGuest } from "../../../guest/steps/guest-script.js";
import { runInside } from "../../../core/steps/run-inside.js";
import { type Checked, namesOf, readContainerFacts } from "./checked.js";
import { connectToGuest } from "./connections.js";
import { type AskedGuest, pingFrom, standingOf } from "./guest.js";
import type { Peer } from "./peer.js";

/** The results of all probes; undefined for those that were not run. */
export interface Probes {
  readonly gateway: GatewayProbe | undefined;
  readonly outside: OutsideProbe | undefined;
  readonly inward: InwardProbe | undefined;
  readonly dns: DnsProbe | undefined;
  /** A ping with frames of the guest's MTU. */
  readonly full: Ping | undefined;
  readonly ipv6: Ping | undefined;
  readonly neighbours: readonly NeighbourProbe[];
}

/** For a guest that cannot send or does not respond. */
export function noProbes(checked: Checked): Probes {
  const neighbours = othersOf(checked).map((other) => ({ ...neighbour(other), ping: undefined }));
  return {
    ...{ gateway: undefined, outside: undefined, inward: undefined, dns: undefined },
    ...{ full: undefined, ipv6: undefined, neighbours },
  };
}

/** Runs the gateway's probe first and alone, since it compares the kernels' packet counters. */
export async function probe(
  checked: Checked,
  scene: Scene,
  guest: AskedGuest,
  peer: Peer | undefined,
): Promise<Probes> {
  const { facts, container } = checked;
  const isBridge = facts.mode === "bridge";
  const gateway = await probeGateway(checked, guest);
  if (gateway.ping.received === 0 && disturbance(scene) !== undefined) {
    return { ...noProbes(checked), gateway };
  }
  const hasResolver = guest.facts.resolvers.length > 0;
  const canResolve = hasResolver && (facts.dnsmasq.runs || !isBridge);
  const translated = natFault(scene) === undefined;
  const [outside, dns, inward, full, ipv6, neighbours] = await Promise.all([
    peer === undefined ? undefined : probeOutside(checked, guest, peer, translated),
    peer === undefined || !canResolve ? undefined : probeDns(checked, guest, peer),
    isBridge ? connectToGuest(container, guest, facts.guest) : undefined,
    gateway.ping.received > 0 ? probeFull(checked, guest) : undefined,
    facts.gateway6 === "" ? undefined : pingFrom(guest, facts.gateway6.split("/")[0] ?? "", ["-6"]),
    probeNeighbours(checked, guest),
  ]);
  return { gateway, outside, inward, dns, full, ipv6, neighbours };
}

async function probeGateway(
  { facts, container }: Checked,
  guest: AskedGuest,
): Promise<GatewayProbe> {
  const ping = await pingFrom(guest, gatewayOf(facts));
  if (ping.received > 0 || facts.mode !== "bridge") return { ping, requests: 0, replies: 0 };
  const { signal } = guest;
  const { stdout } = await runInside(container, ["cat", "/proc/net/snmp"], { signal });
  const { requests, replies } = parseEchoes(stdout);
  const { echoes: before } = facts;
  return { ping, requests: requests - before.requests, replies: replies - before.replies };
}

/** Prints the guest's address as the peer sees it. */
const SEEN_SCRIPT = 'timeout 4 nc "$1" "$2" </dev/null 2>/dev/null; exit 0';

async function probeOutside(
  { facts }: Checked,
  guest: AskedGuest,
  { address, port, isPinged }: Peer,
  translated: boolean,
): Promise<OutsideProbe> {
  const [own = ""] = facts.links.get(facts.uplink)?.addresses ?? [];
  const expected = own.split("/")[0] ?? "";
  // A reply to the guest's address, which is unknown outside, might be routed off the engine's machine.
  if (!translated) return { kind: "untranslated", address };
  const [ping, seen] = await Promise.all([
    isPinged ? pingFrom(guest, address) : undefined,
    askGuest(guest.session, SEEN_SCRIPT, address, String(port)),
  ]);
  return { kind: "tried", address, ping, seenAs: seen.join("").trim(), expected };
}

/**
 * $2: the DNS server to query, "" for the guest's own. Podman's answers NXDOMAIN for a container's name until shortly
 * after the container has started.
 */
const DNS_SCRIPT = `
for _ in 1 2 3 4 5 6; do
  output=$(timeout 5 nslookup -type=a "$1" $2 2>&1)
  case "$output" in *NXDOMAIN*) sleep 0.3 ;; *) break ;; esac
done
echo "$output"`;

/** In mode host the query is for a guest's name: the engine has no DNS for containers on its default bridge. */
async function probeDns(
  { facts, info }: Checked,
  guest: AskedGuest,
  peer: Peer,
): Promise<DnsProbe> {
  const query: Pick<DnsProbe, "whose" | "name" | "expected"> =
    facts.mode === "host"
      ? { whose: "the guest's own", name: guestName(factsOf(info).slot), expected: facts.guest }
      : { whose: "the other container's", name: peer.name, expected: peer.address };
  const resolve = async (server: string) =>
    (await askGuest(guest.session, DNS_SCRIPT, query.name, server)).join("\n");
  const [answer, fromGateway] = await Promise.all([resolve(""), resolve(gatewayOf(facts))]);
  return { ...query, answer, fromGateway };
}

/** IPv4 header (20) and ICMP header (8). */
const HEADER_BYTES = 28;

function probeFull({ facts }: Checked, guest: AskedGuest): Promise<Ping> {
  return pingFrom(guest, gatewayOf(facts), ["-s", String(guest.facts.mtu - HEADER_BYTES)]);
}

function othersOf({ vms, info }: Checked): readonly ContainerInfo[] {
  return vms.filter(({ id }) => id !== info.id);
}

function probeNeighbours(checked: Checked, guest: AskedGuest): Promise<NeighbourProbe[]> {
  return Promise.all(othersOf(checked).map((other) => probeNeighbour(checked, guest, other)));
}

async function probeNeighbour(
  { ctx, facts }: Checked,
  guest: AskedGuest,
  other: ContainerInfo,
): Promise<NeighbourProbe> {
  const { name, mode } = neighbour(other);
  if (!haveCommonNetwork(facts.mode, mode)) return { name, mode, ping: undefined };
  const ping = await pingFrom(guest, name);
  if (ping.received > 0) return { name, mode, ping };
  const container = (await ctx.engine()).container(other.id);
  const scene = {
    names: namesOf(other, true),
    container: await readContainerFacts(container, guest.signal),
  };
  const paused = await standingOf(container, guest.signal);
  return { name, mode, ping, other: { fault: wireFault(scene), paused } };
}

function neighbour(other: ContainerInfo): Pick<NeighbourProbe, "name" | "mode"> {
  const { slot, net } = factsOf(other);
  return { name: guestName(slot), mode: net };
}
