import { isIPv6 } from "node:net";
import { expect, it } from "vitest";
import { guestNetwork6 } from "../../../../src/vm/plan/network6.js";
import { MAX_VMS } from "../../../../src/vm/plan/network.js";

it.each([
  ["fd6b:646f:636b:3::/64", 0, "fd6b:646f:636b:3::1/64", "fd6b:646f:636b:3::2"],
  ["fd6b:646f:636b:3::/64", 1, "fd6b:646f:636b:3::254/64", "fd6b:646f:636b:3::3"],
  ["fd00::/64", 9, "fd00::246/64", "fd00::11"],
])("lays out %s for VM %i", (subnet, slot, gateway, guest) => {
  expect(guestNetwork6(subnet, slot)).toEqual({ gateway, guest });
});

it("gives no address twice, however many VMs there are", () => {
  const all = Array.from({ length: MAX_VMS }, (_, slot) => guestNetwork6("fd00::/64", slot));
  const addresses = all.flatMap(({ gateway, guest }) => [gateway.split("/")[0] ?? "", guest]);
  expect(new Set(addresses).size).toBe(2 * MAX_VMS);
  expect(addresses.every(isIPv6)).toBe(true);
});
