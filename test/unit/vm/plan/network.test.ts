import { describe, expect, it } from "vitest";
import { guestNetwork } from "../../../../src/vm/plan/network.js";

describe("guestNetwork", () => {
  it.each([
    ["10.0.3.0/24", 0, "10.0.3.1/24", "10.0.3.2", "01", "02"],
    ["10.0.3.0/24", 1, "10.0.3.254/24", "10.0.3.3", "02", "03"],
    ["10.0.3.0/24", 9, "10.0.3.246/24", "10.0.3.11", "0a", "0b"],
    ["10.1.1.128/25", 0, "10.1.1.129/25", "10.1.1.130", "01", "02"],
    ["172.20.0.0/16", 1, "172.20.255.254/16", "172.20.0.3", "02", "03"],
    ["10.9.8.4/30", 0, "10.9.8.5/30", "10.9.8.6", "01", "02"],
  ])("lays out %s for VM %i", (subnet, slot, gateway, guest, gatewayMac, guestMac) => {
    expect(guestNetwork(subnet, slot)).toMatchObject({
      ...{ subnet, gateway, guest },
      gatewayMac: `52:54:00:6b:65:${gatewayMac}`,
      guestMac: `52:54:00:6b:64:${guestMac}`,
    });
  });

  it.each([
    ["10.0.3.0/24", 0, "10.0.3.254"],
    ["10.0.3.0/24", 1, "10.0.3.1"],
    ["10.0.3.0/29", 0, "10.0.3.6"],
    ["172.20.0.0/16", 2, "172.20.0.1"],
  ])("has QEMU's own resolver for %s and VM %i at %s", (subnet, slot, userDns) => {
    const network = guestNetwork(subnet, slot);
    expect(network.userDns).toBe(userDns);
    expect([network.gateway.split("/")[0], network.guest]).not.toContain(userDns);
  });

  it("gives no address twice, however many VMs there are", () => {
    const all = Array.from({ length: 100 }, (_, slot) => guestNetwork("10.0.3.0/24", slot));
    const addresses = all.flatMap(({ gateway, guest }) => [gateway.split("/")[0], guest]);
    expect(new Set(addresses).size).toBe(200);
  });

  it.each(["10.0.3.0/31", "10.0.3.1/24"])("refuses %s", (subnet) => {
    expect(() => guestNetwork(subnet, 0)).toThrow(/not a network with room/);
  });

  it.each([
    ["10.9.8.4/30", 1],
    ["10.9.8.0/29", 3],
    ["10.0.0.0/8", 100],
  ])("refuses %s for VM %i, which has no room", (subnet, slot) => {
    expect(() => guestNetwork(subnet, slot)).toThrow(/has no room for/);
  });
});
