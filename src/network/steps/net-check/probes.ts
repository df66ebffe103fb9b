import type { ContainerInfo } from "../../../engine/engine.js";
import type { DnsProbe } from "../../plan/net-check/dns.js";
import { parseEchoes } from "../../plan/net-check/facts.js";
import { type GatewayProbe, wireFault } from "../../plan/net-check/gateway.js";
import type { InwardProbe } from "../../plan/net-check/inward.js";
import { natFault } from "../../plan/net-check/nat.js";
import type { NeighbourProbe } from "../../plan/net-check/neighbour.js";
import type { OutsideProbe } from "../../plan/net-check/outside.js";
import type { Ping } from "../../plan/net-check/ping.js";
import { disturbance, gatewayOf, type Scene } from "../../plan/net-check/scene.js";
import { guestName } from "../../../vm/plan/slots.js";
import { factsOf } from "../../../vm/steps/choose-vm.js";
import { askGuest } from "../../../guest/steps/guest-script.js";
import { runInside } from "../../../core/steps/run-inside.js";
import { callGuest } from "./doors.js";
import { type AskedGuest, pingFrom, standingOf } from "./guest.js";
import { type Checked, lookInside, namesOf } from "./checked.js";
import type { Peer } from "./peer.js";

/** What was sent, and what came of it; undefined for what was not tried. */
export interface Probes {
  readonly gateway: GatewayProbe | undefined;
  readonly outside: OutsideProbe | undefined;
  readonly inward: InwardProbe | undefined;
  readonly dns: DnsProbe | undefined;
  /** Frames as large as the guest makes them. */
  readonly full: Ping | undefined;
  readonly ipv6: Ping | undefined;
  readonly neighbours: readonly NeighbourProbe[];
}

/** For a guest that cannot send, or cannot be asked. */
export function noProbes(checked: Checked): Probes {
  const neighbours = othersOf(checked).map((other) => ({
    name: guestName(factsOf(other).slot),
    ping: undefined,
  }));
  return {
    ...{ gateway: undefined, outside: undefined, inward: undefined, dns: undefined },
    ...{ full: undefined, ipv6: undefined, neighbours },
  };
}

/** The gateway's comes first and alone, since the kernels' counters tell what became of it. */
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
  const asksSomebody = guest.facts.resolvers.length > 0;
  const canResolve = asksSomebody && (facts.dnsmasq.runs || !isBridge);
  const translated = natFault(scene) === undefined;
  const [outside, dns, inward, full, ipv6, neighbours] = await Promise.all([
    peer === undefined ? undefined : probeOutside(checked, guest, peer, translated),
    peer === undefined || !canResolve ? undefined : probeDns(checked, guest, peer),
    isBridge ? callGuest(container, guest, facts.guest) : undefined,
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
  if (ping.received > 0 || facts.mode !== "bridge") return { ping, asked: 0, answered: 0 };
  const { signal } = guest;
  const { stdout } = await runInside(container, ["cat", "/proc/net/snmp"], { signal });
  const { asked, answered } = parseEchoes(stdout);
  return { ping, asked: asked - facts.echoes.asked, answered: answered - facts.echoes.answered };
}

/** Prints the address that the other container sees. */
const SEEN_SCRIPT = 'timeout 4 nc "$1" "$2" </dev/null 2>/dev/null; exit 0';

async function probeOutside(
  { facts }: Checked,
  guest: AskedGuest,
  { address, port, isPinged }: Peer,
  translated: boolean,
): Promise<OutsideProbe> {
  const [own = ""] = facts.links.get(facts.uplink)?.addresses ?? [];
  const expected = own.split("/")[0] ?? "";
  // An answer to an address that nobody knows might leave the engine's machine.
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
  said=$(timeout 5 nslookup -type=a "$1" $2 2>&1)
  case "$said" in *NXDOMAIN*) sleep 0.3 ;; *) break ;; esac
done
echo "$said"`;

/** The engine resolves names of containers in networks that were made, not in its default bridge; the guests' are known. */
async function probeDns(
  { facts, info }: Checked,
  guest: AskedGuest,
  peer: Peer,
): Promise<DnsProbe> {
  const asked: Pick<DnsProbe, "whose" | "name" | "expected"> =
    facts.mode === "host"
      ? { whose: "the guest's own", name: guestName(factsOf(info).slot), expected: facts.guest }
      : { whose: "the other container's", name: peer.name, expected: peer.address };
  const ask = async (server: string) =>
    (await askGuest(guest.session, DNS_SCRIPT, asked.name, server)).join("\n");
  const [answer, fromGateway] = await Promise.all([ask(""), ask(gatewayOf(facts))]);
  return { ...asked, answer, fromGateway };
}

/** IPv4's and ICMP's headers. */
const HEADERS = 28;

function probeFull({ facts }: Checked, guest: AskedGuest): Promise<Ping> {
  return pingFrom(guest, gatewayOf(facts), ["-s", String(guest.facts.mtu - HEADERS)]);
}

function othersOf({ vms, info }: Checked): readonly ContainerInfo[] {
  return vms.filter(({ id }) => id !== info.id);
}

function probeNeighbours(checked: Checked, guest: AskedGuest): Promise<NeighbourProbe[]> {
  return Promise.all(othersOf(checked).map((other) => probeNeighbour(checked, guest, other)));
}

async function probeNeighbour(
  { ctx }: Checked,
  guest: AskedGuest,
  other: ContainerInfo,
): Promise<NeighbourProbe> {
  const name = guestName(factsOf(other).slot);
  const ping = await pingFrom(guest, name);
  if (ping.received > 0) return { name, ping };
  const container = (await ctx.engine()).container(other.id);
  const scene = {
    names: namesOf(other, true),
    container: await lookInside(container, guest.signal),
  };
  const standing = await standingOf(container, guest.signal);
  return { name, ping, other: { fault: wireFault(scene), standing } };
}
