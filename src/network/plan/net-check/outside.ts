import { LINK } from "../../../core/plan/names.js";
import { fail, type Finding, ok, warn } from "../../../core/plan/finding.js";
import { FORWARDED, possibleDrops } from "./firewall.js";
import type { Ping } from "./ping.js";
import { dropFault, OUTSIDE, replyTo, ruleFault, toOutside } from "./rule-faults.js";
import {
  addDefault,
  type Fault,
  gatewayOf,
  guestFault,
  lossy,
  notTried,
  RECREATE,
  type Scene,
  setSysctl,
} from "./scene.js";

/** `address`: of the other container. */
export type OutsideProbe =
  | {
      readonly kind: "tried";
      readonly address: string;
      /** Undefined if something else than the container would answer a ping. */
      readonly ping: Ping | undefined;
      /** The guest's address as the other container sees it; "" when no connection came through. */
      readonly seenAs: string;
      /** The address of the VM's container. */
      readonly expected: string;
    }
  /** Not sent: the packets would leave with the guest's address. */
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
      ? "QEMU's user network forwards no pings"
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
      `${where}: the guest's default route is via ${guest.defaultRoute || "no gateway"} instead of ${gatewayOf(container)}`,
      `\`${names.exec} ip route replace default via ${gatewayOf(container)}\``,
    );
  }
  if (probe.kind === "untranslated") {
    return warn(subject, `${where}: not tried, because packets would leave untranslated: see NAT`);
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
  const request = toOutside(scene.container, address, { protocol: "icmp" });
  const { firewall } = scene.container;
  const [drop] = [
    ...possibleDrops(firewall, FORWARDED, request),
    ...possibleDrops(firewall, FORWARDED, replyTo(request)),
  ];
  if (drop?.rule !== undefined) {
    return {
      text: `no answer; perhaps because of a rule: ${drop.table} ${drop.rule.text}`,
      mend: dropFault(scene, drop, request, "").mend,
    };
  }
  return {
    text: "no answer",
    mend: `\`kdock capture${scene.names.suffix} --side both icmp\` shows how far packets get; ${RECREATE}.`,
  };
}

/** A fault in the container that blocks packets to the outside, address translation excepted. */
export function forwardFault(scene: Scene, to: string): Fault | undefined {
  const { container, names } = scene;
  const { uplink, sysctls } = container;
  const link = container.links.get(uplink);
  if (uplink === "" || link === undefined) {
    return {
      text: "the VM's container has no uplink",
      mend: `Check that it is in a network of the engine; ${RECREATE}.`,
    };
  }
  if (!link.isUp) {
    return {
      text: `${uplink} of the VM's container is down`,
      mend: `\`docker exec ${names.container} ip link set ${uplink} up\`; its routes are lost: ${RECREATE}.`,
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
  const request = toOutside(container, to, { protocol: "icmp" });
  return (
    ruleFault(scene, FORWARDED, request, "packets from the guest") ??
    ruleFault(scene, FORWARDED, replyTo(request), "replies to the guest")
  );
}

/** Checks the container's default route only: nothing is sent beyond the engine's network. `gateway` is that network's. */
export function wayOutFinding({ container, names }: Scene, gateway: string): Finding {
  const subject = "way out";
  const { defaultRoute, uplink } = container;
  if (defaultRoute !== undefined) {
    return ok(
      subject,
      `the container's default route is via ${defaultRoute} (not probed beyond it)`,
    );
  }
  return fail(
    subject,
    "the VM's container has no default route: the guest reaches only the engine's network",
    gateway === "" || uplink === ""
      ? `Check that its network has a gateway; ${RECREATE}.`
      : `\`docker exec ${names.container} ip route add default via ${gateway} dev ${uplink}\``,
  );
}
