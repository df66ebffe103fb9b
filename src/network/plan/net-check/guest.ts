import { LINK } from "../../../core/plan/names.js";
import { fail, type Finding, ok } from "../../../core/plan/finding.js";
import { ms } from "./ping.js";
import type { ContainerFacts, GuestFacts } from "./facts.js";
import { gatewayOf, type GuestState, prefixOf, RECREATE, type Scene } from "./scene.js";

/** The guest and its network card. */
export function guestFinding(
  { names, container }: Pick<Scene, "names" | "container">,
  state: GuestState,
): Finding {
  const subject = "guest";
  if (state.kind === "silent") return fail(subject, state.why, state.mend);
  const { facts: guest } = state;
  const inGuest = (command: string) => `${names.exec} ${command}`;
  if (guest.card === "") {
    return fail(
      subject,
      "the guest's kernel has no driver for the network card",
      "Build it with CONFIG_VIRTIO_PCI=y and CONFIG_VIRTIO_NET=y, or run with `--nic e1000` and CONFIG_E1000=y.",
    );
  }
  const { card } = guest;
  if (!guest.isUp) {
    return fail(subject, `${card} is down`, `\`${inGuest(`ip link set ${card} up`)}\``);
  }
  if (!guest.hasCarrier) {
    return fail(subject, `${card} has no carrier: QEMU has unplugged it`, `${RECREATE}.`);
  }
  const [address] = guest.addresses;
  if (address === undefined) return noAddress({ names, container, guest });
  if (!guest.addresses.some((each) => each.split("/")[0] === container.guest)) {
    return fail(
      subject,
      `${card} has ${address} instead of ${container.guest}, the target of published ports`,
      `\`${inGuest(`ip addr add ${container.guest}/${prefixOf(container)} dev ${card}`)}\``,
    );
  }
  return ok(subject, `answers in ${ms(state.ms)}; ${card} has ${guest.addresses.join(", ")}`);
}

function noAddress({ names, container, guest }: Scene): Finding {
  const text = `${guest.card} has no IPv4 address`;
  const fixed = `${names.exec} ip addr add ${container.guest}/${prefixOf(container)} dev ${guest.card}`;
  if (/(^| )kdock\.ip=none( |$)/.test(guest.commandLine)) {
    return fail("guest", `${text}: kdock.ip=none on the kernel's command line`, `\`${fixed}\``);
  }
  if (!guest.hasPacketSockets) {
    return fail(
      "guest",
      `${text}: its kernel has no packet sockets, which DHCP needs`,
      `Build it with CONFIG_PACKET=y, or give it an address: \`${fixed}\``,
    );
  }
  if (container.mode === "bridge" && !container.dnsmasq.runs) {
    return fail("guest", `${text}: dnsmasq, the DHCP server, does not run`, `${RECREATE}.`);
  }
  return fail("guest", text, `\`${names.exec} udhcpc -i ${guest.card} -n -q\` requests one.`);
}

/** The assumed state of a guest that does not respond: as kdock configured it. */
export function untouchedGuest(container: ContainerFacts): GuestFacts {
  const { guest, guest6, uplink, links } = container;
  return {
    ...{ card: LINK.card, isUp: true, hasCarrier: true, mtu: links.get(uplink)?.mtu ?? 1500 },
    addresses: [`${guest}/${prefixOf(container)}`],
    addresses6: guest6 === "" ? [] : [`${guest6}/64`],
    ...{ defaultRoute: gatewayOf(container), resolvers: [gatewayOf(container)] },
    ...{ hasPacketSockets: true, hasIpv6: true, listening: new Set(), commandLine: "" },
  };
}
