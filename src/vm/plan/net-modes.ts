import type { NetConfig, VmConfig } from "../../config/config.js";
import { KdockError } from "../../core/errors.js";
import { INSIDE } from "../../core/plan/names.js";
import { guestNetwork } from "./network.js";
import { guestPorts } from "../../core/plan/ports.js";
import { guestName, type VmSlot } from "./slots.js";
import { usualSubnet } from "./subnet.js";

/** The guest's part of the network, with the subnet that is used where nobody has chosen yet. */
export function networkOf({ subnet }: NetConfig, slot: VmSlot) {
  return guestNetwork(usualSubnet(subnet), slot.index);
}

/** The tap's file descriptor in mode "host": images/vm/host-net.pl has it opened there. */
const TAP_FD = 7;

/** What QEMU plugs the guest's card into; undefined: there is no card. */
export function netdev(vm: VmConfig, slot: VmSlot): string | undefined {
  switch (vm.net.mode) {
    case "bridge":
      return "tap,id=net0,ifname=tap0,script=no,downscript=no";
    case "host":
      return `tap,id=net0,fd=${TAP_FD}`;
    case "user":
      return userNetdev(vm, slot);
    case "none":
      return undefined;
  }
}

/** QEMU's own network stack, with the addresses that a bridge would have, and the guest's ports on the container's. */
export function userNetdev({ net, ports }: VmConfig, slot: VmSlot): string {
  const { subnet, gateway, guest, userDns } = networkOf(net, slot);
  return [
    ...["user", "id=net0", "ipv6=off", `net=${subnet}`, `host=${gateway.split("/")[0] ?? ""}`],
    ...[`dns=${userDns}`, `dhcpstart=${guest}`, `hostname=${guestName(slot)}`],
    ...guestPorts(ports).map(
      ({ protocol, containerPort, guestPort }) =>
        `hostfwd=${protocol}::${containerPort}-${guest}:${guestPort}`,
    ),
  ].join(",");
}

/** What images/vm/start.sh reads of modes. */
export function netEnvironment(vm: VmConfig, slot: VmSlot): Readonly<Record<string, string>> {
  return {
    KDOCK_NET_MODE: vm.net.mode,
    // Also what takes a bridge's place where there is no /dev/net/tun.
    ...(vm.net.mode === "bridge" || vm.net.mode === "user"
      ? { KDOCK_USER_NETDEV: userNetdev(vm, slot) }
      : {}),
    ...(vm.net.mode === "host" ? { KDOCK_HOST_SOCKET: INSIDE.hostSocket } : {}),
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
