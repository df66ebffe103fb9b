/** One guest's IPv6 addresses. */
export interface GuestNetwork6 {
  /** "fd6b:646f:636b:3::1/64": of the guest's own bridge. */
  readonly gateway: string;
  /** "fd6b:646f:636b:3::2" */
  readonly guest: string;
}

/**
 * `subnet` is a /64 as `parseIpv6Setting` writes it; `slot` counts a project's VMs from 0. The last group reads like the
 * last byte of the IPv4 address in a /24: guests are ::2, ::3, ..., gateways ::1, ::254, ::253, ...
 */
export function guestNetwork6(subnet: string, slot: number): GuestNetwork6 {
  const [prefix = "", length = ""] = subnet.split("/");
  return {
    gateway: `${prefix}${slot === 0 ? 1 : 255 - slot}/${length}`,
    guest: `${prefix}${2 + slot}`,
  };
}
