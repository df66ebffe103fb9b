import type { NetConfig, VmConfig } from "../../config/config.js";
import { KdockError } from "../../core/errors.js";
import { INSIDE, LINK, TAP_FD } from "../../core/plan/names.js";
import { guestNetwork } from "./network.js";
import { guestPorts } from "../../core/plan/ports.js";
import { guestName, type VmSlot } from "./slots.js";
import { usualSubnet } from "./subnet.js";

/** The guest's part of the network, with the subnet that is used where nobody has chosen yet. */
export function networkOf({ subnet }: NetConfig, slot: VmSlot) {
  return guestNetwork(usualSubnet(subnet), slot.index);
}

/** QEMU's name for what its card is connected to. */
export const NETDEV_ID = "net0";

/** What QEMU's card can be connected to, in QEMU's notation; neither: there is no card. */
export interface Netdevs {
  /** A tap: of the container's own bridge, or one of the host's. */
  readonly tap: string | undefined;
  /** QEMU's own network stack: asked for, or what takes a bridge's place. */
  readonly user: string | undefined;
  /** Whether images/vm/start.sh may make another mode out of the planned one: without /dev/net/tun, or by compose.yaml's variable. */
  readonly canFallBack: boolean;
}

export function netdevs(vm: VmConfig, slot: VmSlot): Netdevs {
  switch (vm.net.mode) {
    case "bridge": {
      const tap = `tap,id=${NETDEV_ID},ifname=${LINK.tap},script=no,downscript=no`;
      return { tap, user: userNetdev(vm, slot), canFallBack: true };
    }
    case "host":
      return { tap: `tap,id=${NETDEV_ID},fd=${TAP_FD}`, user: undefined, canFallBack: false };
    case "user":
      return { tap: undefined, user: userNetdev(vm, slot), canFallBack: false };
    case "none":
      return { tap: undefined, user: undefined, canFallBack: false };
  }
}

/** QEMU's own network stack, with the addresses that a bridge would have, and the guest's ports on the container's. */
function userNetdev({ net, ports }: VmConfig, slot: VmSlot): string {
  const { subnet, gateway, guest, userDns } = networkOf(net, slot);
  return [
    ...[
      "user",
      `id=${NETDEV_ID}`,
      "ipv6=off",
      `net=${subnet}`,
      `host=${gateway.split("/")[0] ?? ""}`,
    ],
    ...[`dns=${userDns}`, `dhcpstart=${guest}`, `hostname=${guestName(slot)}`],
    ...guestPorts(ports).map(
      ({ protocol, containerPort, guestPort }) =>
        `hostfwd=${protocol}::${containerPort}-${guest}:${guestPort}`,
    ),
  ].join(",");
}

/** What images/vm/start.sh reads of modes. */
export function netEnvironment({ net }: VmConfig): Readonly<Record<string, string>> {
  return {
    KDOCK_NET_MODE: net.mode,
    ...(net.mode === "host" ? { KDOCK_HOST_SOCKET: INSIDE.hostSocket } : {}),
  };
}

/** Throws a `config` error for ports that nothing would be behind. */
export function checkPortsHaveNetwork({ net, ports }: VmConfig): void {
  if (net.mode !== "none" || ports.length === 0) return;
  throw new KdockError(
    "config",
    "vm.ports: a guest without network (vm.net.mode: none) has no ports to publish",
    { hint: "Leave out vm.ports (--publish), or choose another mode: bridge, host or user." },
  );
}
