import { KdockError } from "../errors.js";

/** Addresses of the guest's network, all of one subnet: gateway first, then the guest, then the rest for DHCP. */
export interface GuestNetwork {
  readonly subnet: string;
  /** "10.0.3.1/24": the bridge's own address with its prefix. */
  readonly gateway: string;
  readonly guest: string;
  /** "10.0.3.2,10.0.3.254" */
  readonly dhcpRange: string;
}

/** 52:54:00 is QEMU's locally administered prefix; the rest is fixed, so that every boot sees the same machine. */
export const GUEST_MAC = "52:54:00:6b:64:02";

/** `subnet` is a network address with prefix; needs room for a gateway and one guest (a /30 or larger). */
export function guestNetwork(subnet: string): GuestNetwork {
  const [address = "", prefixText = ""] = subnet.split("/");
  const prefix = Number(prefixText);
  const first = toNumber(address);
  const size = 2 ** (32 - prefix);
  if (prefix > 30 || first % size !== 0) {
    throw new KdockError(
      "config",
      `vm.net.subnet: ${subnet} is not a network with room for a guest`,
      {
        hint: "Name a network address of /30 or larger, like 10.0.3.0/24.",
      },
    );
  }
  return {
    subnet,
    gateway: `${toText(first + 1)}/${prefix}`,
    guest: toText(first + 2),
    dhcpRange: `${toText(first + 2)},${toText(first + size - 2)}`,
  };
}

function toNumber(address: string): number {
  return address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
}

function toText(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join(".");
}
