import { LINK } from "../../../core/plan/names.js";
import { fail, type Finding, ok, warn } from "../../../core/plan/finding.js";
import { doubtfulDrops, FORWARDED } from "./firewall.js";
import type { Ping } from "./ping.js";
import { answerTo, dropFault, OUTSIDE, ruleFault, toOutside } from "./rule-faults.js";
import {
  addDefault,
  ANEW,
  type Fault,
  gatewayOf,
  guestFault,
  lossy,
  notTried,
  type Scene,
  setSysctl,
} from "./scene.js";

/** `address`: where the other container is called. */
export type OutsideProbe =
  | {
      readonly kind: "tried";
      readonly address: string;
      /** Undefined where a ping would be answered by another than the container. */
      readonly ping: Ping | undefined;
      /** The caller's address as the other container sees it; "" when no call came through. */
      readonly seenAs: string;
      /** The VM's container's. */
      readonly expected: string;
    }
  /** Not sent: the packets would leave with the guest's own address. */
  | { readonly kind: "untranslated"; readonly address: string };

/** Guest → another container on the engine's network. */
export function containerFinding(
  scene: Scene,
  gateway: Finding,
  probe: OutsideProbe | undefined,
): Finding {
  const { container, guest, names } = scene;
  const subject = "container";
  const where = `guest → another container${probe === undefined ? "" : ` ${probe.address}`}`;
  const tried = probe?.kind === "tried" ? probe : undefined;
  if (tried?.ping !== undefined && tried.ping.received > 0) {
    return lossy(subject, where, tried.ping, scene);
  }
  const noPing =
    container.mode === "user"
      ? "QEMU's own network passes no pings on"
      : "at a port published on the guests' bridge";
  if (container.mode !== "bridge" && tried !== undefined && tried.seenAs !== "") {
    return ok(subject, `${where}: answers over TCP (${noPing})`);
  }
  if (guest.defaultRoute === undefined && guest.isUp && guest.addresses.length > 0) {
    return fail(subject, `${where}: the guest has no default route`, addDefault(names, container));
  }
  if (container.mode === "bridge") {
    const to = probe?.address ?? OUTSIDE;
    const fault = forwardFault(scene, to);
    if (fault !== undefined) return fail(subject, `${where}: ${fault.text}`, fault.mend);
  }
  if (gateway.verdict === "fail" || probe === undefined) return notTried(subject, where);
  if (guest.defaultRoute !== undefined && guest.defaultRoute !== gatewayOf(container)) {
    return fail(
      subject,
      `${where}: the guest's default route is via ${guest.defaultRoute || "no gateway"}, and not ${gatewayOf(container)}`,
      `\`${names.exec} ip route replace default via ${gatewayOf(container)}\``,
    );
  }
  if (probe.kind === "untranslated") {
    return warn(
      subject,
      `${where}: not tried, because its packets would leave untranslated: see NAT`,
    );
  }
  const { text, mend } = unanswered(scene, probe);
  return fail(subject, `${where}: ${text}`, mend);
}

function unanswered(
  scene: Scene,
  { ping, address }: Extract<OutsideProbe, { kind: "tried" }>,
): Fault {
  const own = ping && guestFault(scene, ping, address);
  if (own !== undefined) return own;
  const ask = toOutside(scene.container, address, { protocol: "icmp" });
  const { firewall } = scene.container;
  const [doubtful] = [
    ...doubtfulDrops(firewall, FORWARDED, ask),
    ...doubtfulDrops(firewall, FORWARDED, answerTo(ask)),
  ];
  if (doubtful?.rule !== undefined) {
    return {
      text: `no answer; perhaps because of a rule: ${doubtful.table} ${doubtful.rule.text}`,
      mend: dropFault(scene, doubtful, ask, "").mend,
    };
  }
  return {
    text: "no answer",
    mend: `\`kdock capture${scene.names.suffix} --side both icmp\` shows how far packets come; ${ANEW}.`,
  };
}

/** What in the container keeps the guest from the outside, but for address translation. */
export function forwardFault(scene: Scene, to: string): Fault | undefined {
  const { container, names } = scene;
  const { uplink, sysctls } = container;
  const link = container.links.get(uplink);
  if (uplink === "" || link === undefined) {
    return {
      text: "the VM's container has no way out",
      mend: `Is it in a network of the engine? ${ANEW}.`,
    };
  }
  if (!link.isUp) {
    return {
      text: `${uplink} of the VM's container is down`,
      mend: `\`docker exec ${names.container} ip link set ${uplink} up\`; its routes are lost then, and ${ANEW}.`,
    };
  }
  if (sysctls.get("net/ipv4/ip_forward") !== "1") {
    return {
      text: "the VM's container forwards nothing (net.ipv4.ip_forward is 0)",
      mend: setSysctl(names, "net.ipv4.ip_forward=1"),
    };
  }
  for (const name of [LINK.bridge, uplink]) {
    if (sysctls.get(`net/ipv4/conf/${name}/forwarding`) === "0") {
      return {
        text: `the VM's container forwards nothing from ${name} (net.ipv4.conf.${name}.forwarding is 0)`,
        mend: setSysctl(names, `net.ipv4.conf.${name}.forwarding=1`),
      };
    }
  }
  const ask = toOutside(container, to, { protocol: "icmp" });
  return (
    ruleFault(scene, FORWARDED, ask, "what the guest sends out") ??
    ruleFault(scene, FORWARDED, answerTo(ask), "what comes back to the guest")
  );
}

/** Beyond the engine's network nothing is sent, so only the way there is looked at. `gateway` is that network's. */
export function wayOutFinding({ container, names }: Scene, gateway: string): Finding {
  const subject = "way out";
  const { defaultRoute, uplink } = container;
  if (defaultRoute !== undefined) {
    return ok(
      subject,
      `the container's default route is via ${defaultRoute} (nothing is sent beyond it)`,
    );
  }
  return fail(
    subject,
    "the VM's container has no default route: the guest comes no further than the engine's network",
    gateway === "" || uplink === ""
      ? `Is it in a network with a way out? ${ANEW}.`
      : `\`docker exec ${names.container} ip route add default via ${gateway} dev ${uplink}\``,
  );
}
