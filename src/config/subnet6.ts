import type { Parsed } from "./addresses.js";
import { isIpv6 } from "./ip-address.js";

/** A unique local prefix (RFC 4193): "fd", "kdock" in ASCII as its global ID, and the 3 of 10.0.3.0/24. */
export const SUBNET6 = "fd6b:646f:636b:3::/64";

const EXPECTED = "expected true, false or an IPv6 /64 such as fd00:1:2:3::/64";

/** true: the usual network; false: none; or a network's own address with /64, as "fd00:1:2:3::/64". */
export function parseIpv6Setting(setting: string | boolean): Parsed<string | undefined> {
  if (setting === true) return { value: SUBNET6 };
  if (setting === false) return { value: undefined };
  const [address = "", prefix, ...rest] = setting.split("/");
  if (rest.length > 0 || address.includes(".") || !isIpv6(address)) {
    return { problem: `${EXPECTED}, got "${setting}"` };
  }
  if (prefix !== "64") return { problem: `the prefix must be /64, got "${setting}"` };

  const groups = eightGroups(address);
  const network = `${groups
    .slice(0, 4)
    .join(":")
    .replace(/(:0)+$/, "")}::/64`;
  if (groups.slice(4).some((group) => group !== "0")) {
    return { problem: `${setting} is not a network address; write ${network}` };
  }
  // Guests have fe80::/10 anyway, ff00::/8 is for groups, and below 1:: there is nothing to give away.
  if (/^(fe[89ab].|ff..|0)$/.test(groups[0] ?? "")) {
    return { problem: `${setting} has no addresses for guests; use one that begins with fd` };
  }
  return { value: network };
}

/** "fd00::1" → fd00 0 0 0 0 0 0 1, in lower case and without leading zeros. */
function eightGroups(address: string): string[] {
  const [head = "", tail] = address.split("::").map((part) => (part === "" ? [] : part.split(":")));
  const before = head === "" ? [] : head;
  const after = tail ?? [];
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => "0");
  return [...before, ...zeros, ...after].map((group) => parseInt(group, 16).toString(16));
}
