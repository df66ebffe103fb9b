import { toNumber, toText } from "../../config/ipv4.js";
import { KdockError } from "../../core/errors.js";

/** One guest's part of the network that all guests of a project share. */
export interface GuestNetwork {
  readonly subnet: string;
  /** "10.0.3.1/24": the address of the guest's own bridge, with its prefix. */
  readonly gateway: string;
  readonly guest: string;
  /** Where QEMU's own network stack answers names, in mode "user". */
  readonly userDns: string;
  readonly gatewayMac: string;
  readonly guestMac: string;
}

/** How many VMs of a project can run side by side: what the last byte of a MAC address has room for. */
export const MAX_VMS = 100;

/**
 * `subnet` is a network address with prefix; `slot` counts a project's VMs from 0. Guests are numbered from below and
 * their gateways from above, but for the first: it has the addresses that everybody knows, .1 and .2. Rejects with a
 * `config` error when the subnet has no room (a /30 has it for one guest).
 */
export function guestNetwork(subnet: string, slot: number): GuestNetwork {
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
  const guest = first + 2 + slot;
  const gateway = slot === 0 ? first + 1 : first + size - 1 - slot;
  if (slot >= MAX_VMS || (slot > 0 && guest >= gateway)) {
    throw new KdockError("config", `vm.net.subnet: ${subnet} has no room for ${slot + 1} VMs`, {
      hint: `Name a larger network, like 10.0.3.0/24; ${MAX_VMS} VMs are the most.`,
    });
  }
  return {
    subnet,
    gateway: `${toText(gateway)}/${prefix}`,
    guest: toText(guest),
    // Whichever end of the network the gateway is not at.
    userDns: toText(slot === 0 ? first + size - 2 : first + 1),
    gatewayMac: mac(GATEWAYS, slot + 1),
    guestMac: mac(GUESTS, slot + 2),
  };
}

// 52:54:00 is QEMU's locally administered prefix; the rest is fixed, so that every boot sees the same machine.
const GUESTS = "52:54:00:6b:64";
const GATEWAYS = "52:54:00:6b:65";

function mac(prefix: string, last: number): string {
  return `${prefix}:${last.toString(16).padStart(2, "0")}`;
}
