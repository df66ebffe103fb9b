import { LINK } from "../../../core/plan/names.js";
import { fail, type Finding } from "../../../core/plan/finding.js";
import { ARRIVING, LEAVING } from "./firewall.js";
import type { Ping } from "./ping.js";
import { replyTo, ruleFault, toGateway } from "./rule-faults.js";
import {
  disturbance,
  type Fault,
  gatewayOf,
  guestFault,
  guestFirewall,
  lossy,
  notTried,
  RECREATE,
  type Scene,
  setSysctl,
} from "./scene.js";

export interface GatewayProbe {
  readonly ping: Ping;
  /** The echo requests and replies that the container counted meanwhile. */
  readonly requests: number;
  readonly replies: number;
}

export function gatewayFinding(scene: Scene, probe: GatewayProbe | undefined): Finding {
  const { container } = scene;
  const subject = "gateway";
  const where = `guest → gateway ${gatewayOf(container)}`;
  if (probe !== undefined && probe.ping.received > 0) {
    return lossy(subject, where, probe.ping, scene);
  }
  const fault = container.mode === "bridge" ? wireFault(scene) : undefined;
  if (fault !== undefined) return fail(subject, `${where}: ${fault.text}`, fault.mend);
  if (probe === undefined) return notTried(subject, where);
  const { text, mend } = gatewayFault(scene, probe);
  return fail(subject, `${where}: ${text}`, mend);
}

function gatewayFault(scene: Scene, { ping, requests, replies }: GatewayProbe): Fault {
  const { container, names, guest } = scene;
  const own = guestFault(scene, ping, gatewayOf(container));
  if (own !== undefined) return own;
  const request = toGateway(container, { protocol: "icmp" });
  const dropped =
    ruleFault(scene, ARRIVING, request, "the guest's pings") ??
    ruleFault(scene, LEAVING, replyTo(request), "the replies");
  if (dropped !== undefined) return dropped;
  if (container.sysctls.get("net/ipv4/icmp_echo_ignore_all") === "1") {
    return {
      text: "the VM's container answers no pings (net.ipv4.icmp_echo_ignore_all is 1)",
      mend: setSysctl(names, "net.ipv4.icmp_echo_ignore_all=0"),
    };
  }
  const disturbed = disturbance(scene);
  if (disturbed !== undefined) return disturbed;
  if (replies > 0) {
    return ping.arrived > ping.accepted
      ? guestFirewall(scene, "replies reached the guest, which did not accept them")
      : {
          text: `the container answered ${replies} of ${ping.sent} pings, but no reply reached the guest`,
          mend: `Check for a filter at ${LINK.tap} (nft, ebtables, tc): \`kdock capture${names.suffix} icmp\` shows what leaves there; ${RECREATE}.`,
        };
  }
  return {
    text: `no answer; the container received ${requests} of ${ping.sent} pings`,
    mend: `Check whether frames leave the guest (\`${names.exec} ip -s link show ${guest.card}\`) and arrive (\`kdock capture${names.suffix}\`); ${RECREATE}.`,
  };
}

/** A fault of the link between the guest's card and the bridge that is visible in the container. */
export function wireFault({ names, container }: Pick<Scene, "names" | "container">) {
  const inContainer = (command: string) => `\`docker exec ${names.container} ${command}\``;
  const bridge = container.links.get(LINK.bridge);
  const tap = container.links.get(LINK.tap);
  const gateway = container.gateway;
  if (bridge === undefined)
    return { text: `the bridge ${LINK.bridge} is missing`, mend: `${RECREATE}.` };
  if (!bridge.isUp)
    return { text: `${LINK.bridge} is down`, mend: inContainer(`ip link set ${LINK.bridge} up`) };
  if (tap === undefined)
    return { text: `the guest's ${LINK.tap} is missing`, mend: `${RECREATE}.` };
  if (!tap.isUp)
    return { text: `${LINK.tap} is down`, mend: inContainer(`ip link set ${LINK.tap} up`) };
  if (tap.master !== LINK.bridge) {
    return {
      text: `${LINK.tap} is not in the bridge ${LINK.bridge}`,
      mend: inContainer(`ip link set ${LINK.tap} master ${LINK.bridge}`),
    };
  }
  const port = container.ports.get(LINK.tap);
  if (port !== undefined && port.state !== "forwarding") {
    return {
      text: `the bridge port ${LINK.tap} is ${port.state}`,
      mend: inContainer(`bridge link set dev ${LINK.tap} state 3`),
    };
  }
  if (port?.floods === false && container.links.get(LINK.shape)?.master !== LINK.bridge) {
    return {
      text: `${LINK.tap} gets no frames: the program that shaped them has ended`,
      mend: inContainer(
        `bridge link set dev ${LINK.tap} isolated off learning on flood on mcast_flood on bcast_flood on`,
      ),
    };
  }
  if (!bridge.addresses.includes(gateway)) {
    const has = bridge.addresses.join(", ");
    return {
      text: `${LINK.bridge} has ${has === "" ? "no address" : has}, expected ${gateway}`,
      mend: inContainer(`ip addr add ${gateway} dev ${LINK.bridge}`),
    };
  }
  return undefined;
}
