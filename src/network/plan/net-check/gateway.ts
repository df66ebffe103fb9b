import { LINK } from "../../../core/plan/names.js";
import { fail, type Finding } from "../../../core/plan/finding.js";
import { ARRIVING, LEAVING } from "./firewall.js";
import type { Ping } from "./ping.js";
import { answerTo, ruleFault, toGateway } from "./rule-faults.js";
import {
  ANEW,
  disturbance,
  type Fault,
  gatewayOf,
  guestFault,
  guestFirewall,
  lossy,
  notTried,
  type Scene,
  setSysctl,
} from "./scene.js";

export interface GatewayProbe {
  readonly ping: Ping;
  /** Pings that the container has seen and answered meanwhile. */
  readonly asked: number;
  readonly answered: number;
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

function gatewayFault(scene: Scene, { ping, asked, answered }: GatewayProbe): Fault {
  const { container, names, guest } = scene;
  const own = guestFault(scene, ping, gatewayOf(container));
  if (own !== undefined) return own;
  const ask = toGateway(container, { protocol: "icmp" });
  const dropped =
    ruleFault(scene, ARRIVING, ask, "the guest's pings") ??
    ruleFault(scene, LEAVING, answerTo(ask), "the answers");
  if (dropped !== undefined) return dropped;
  if (container.sysctls.get("net/ipv4/icmp_echo_ignore_all") === "1") {
    return {
      text: "the VM's container answers no pings (net.ipv4.icmp_echo_ignore_all is 1)",
      mend: setSysctl(names, "net.ipv4.icmp_echo_ignore_all=0"),
    };
  }
  const disturbed = disturbance(scene);
  if (disturbed !== undefined) return disturbed;
  if (answered > 0) {
    return ping.arrived > ping.taken
      ? guestFirewall(scene, "the answers came to the guest, which did not take them")
      : {
          text: `the container has answered ${answered} pings, and none came to the guest`,
          mend: `Does something filter at ${LINK.tap} (nft, ebtables, tc)? \`kdock capture${names.suffix} icmp\` shows what leaves there; ${ANEW}.`,
        };
  }
  return {
    text: `no answer; the container has seen ${asked} of ${ping.sent} pings`,
    mend: `Do frames leave the guest at all (\`${names.exec} ip -s link show ${guest.card}\`), and do they arrive (\`kdock capture${names.suffix}\`)? ${ANEW}.`,
  };
}

/** What breaks the wire between the guest's card and the bridge, as far as it is seen from the container. */
export function wireFault({ names, container }: Pick<Scene, "names" | "container">) {
  const inContainer = (command: string) => `\`docker exec ${names.container} ${command}\``;
  const bridge = container.links.get(LINK.bridge);
  const tap = container.links.get(LINK.tap);
  const gateway = container.gateway;
  if (bridge === undefined) return { text: `the bridge ${LINK.bridge} is gone`, mend: `${ANEW}.` };
  if (!bridge.isUp)
    return { text: `${LINK.bridge} is down`, mend: inContainer(`ip link set ${LINK.bridge} up`) };
  if (tap === undefined) return { text: `the guest's ${LINK.tap} is gone`, mend: `${ANEW}.` };
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
      text: `the bridge keeps its port ${LINK.tap} ${port.state}`,
      mend: inContainer(`bridge link set dev ${LINK.tap} state 3`),
    };
  }
  if (port?.floods === false && container.links.get(LINK.shape)?.master !== LINK.bridge) {
    return {
      text: `${LINK.tap} gets no frames: what shaped them has ended`,
      mend: inContainer(
        `bridge link set dev ${LINK.tap} isolated off learning on flood on mcast_flood on bcast_flood on`,
      ),
    };
  }
  if (!bridge.addresses.includes(gateway)) {
    const has = bridge.addresses.join(", ");
    return {
      text: `${LINK.bridge} has ${has === "" ? "no address" : has}, where it should have ${gateway}`,
      mend: inContainer(`ip addr add ${gateway} dev ${LINK.bridge}`),
    };
  }
  return undefined;
}
