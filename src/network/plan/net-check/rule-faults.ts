import { LINK } from "../../../core/plan/names.js";
import type { ContainerFacts } from "./facts.js";
import { type Drop, dropOf, type Hook, type Packet } from "./firewall.js";
import { type Fault, networkOf, type Scene } from "./scene.js";

/** An address of TEST-NET-1 (RFC 5737) for evaluating rules. Nothing is sent there. */
export const OUTSIDE = "192.0.2.1";

type Properties = Pick<Packet, "protocol"> & Partial<Packet>;

/** Guest → gateway. */
export function toGateway({ guest, gateway }: ContainerFacts, properties: Properties): Packet {
  const destination = gateway.split("/")[0] ?? "";
  return { in: LINK.bridge, source: guest, destination, state: "NEW", ...properties };
}

/** Guest → a host behind the container's uplink. */
export function toOutside(
  { guest, uplink }: ContainerFacts,
  destination: string,
  properties: Properties,
): Packet {
  return { in: LINK.bridge, out: uplink, source: guest, destination, state: "NEW", ...properties };
}

export function replyTo(packet: Packet): Packet {
  return {
    ...packet,
    ...{ in: packet.out, out: packet.in },
    ...{ source: packet.destination, destination: packet.source, state: "ESTABLISHED" },
  };
}

/** The fault of the rule or policy that drops a packet; undefined if it passes. `what` names the packets in the message. */
export function ruleFault(scene: Scene, hooks: readonly Hook[], packet: Packet, what: string) {
  const drop = dropOf(scene.container.firewall, hooks, packet);
  return drop === undefined ? undefined : dropFault(scene, drop, packet, what);
}

export function dropFault(
  { names, container }: Scene,
  drop: Drop,
  packet: Packet,
  what: string,
): Fault {
  const iptables = `docker exec ${names.container} iptables`;
  const table = drop.table === "filter" ? "" : ` -t ${drop.table}`;
  if (drop.rule !== undefined) {
    return {
      text: `a rule in the VM's container drops ${what}: ${drop.table} ${drop.rule.text}`,
      mend: `\`${iptables}${table} ${drop.rule.text.replace(/^-A/, "-D")}\``,
    };
  }
  return {
    text: `the VM's container drops ${what}: the policy of ${drop.table} ${drop.chain} is DROP, and no rule lets it pass`,
    mend: `\`${iptables}${table} -A ${drop.chain} ${matchesFor(container, packet)} -j ACCEPT\``,
  };
}

/** The matches of the rule that start.sh has for such a packet. */
function matchesFor(container: ContainerFacts, packet: Packet): string {
  if (packet.in === LINK.bridge && packet.out !== undefined)
    return `-i ${LINK.bridge} -s ${networkOf(container)}`;
  if (packet.in === LINK.bridge) return `-i ${LINK.bridge}`;
  if (packet.out !== LINK.bridge) return `-i ${packet.in ?? ""}`;
  if (packet.state === "ESTABLISHED")
    return `-o ${LINK.bridge} -m conntrack --ctstate RELATED,ESTABLISHED`;
  return packet.isRedirected === true
    ? `-o ${LINK.bridge} -m conntrack --ctstate DNAT`
    : `-o ${LINK.bridge}`;
}
