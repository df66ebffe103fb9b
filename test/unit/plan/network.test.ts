import { describe, expect, it } from "vitest";
import { guestNetwork } from "../../../src/plan/network.js";

describe("guestNetwork", () => {
  it.each([
    ["10.0.3.0/24", 0, "10.0.3.1/24", "10.0.3.2", "52:54:00:6b:65:01", "52:54:00:6b:64:02"],
    ["10.0.3.0/24", 1, "10.0.3.254/24", "10.0.3.3", "52:54:00:6b:65:02", "52:54:00:6b:64:03"],
    ["10.0.3.0/24", 9, "10.0.3.246/24", "10.0.3.11", "52:54:00:6b:65:0a", "52:54:00:6b:64:0b"],
    ["10.1.1.128/25", 0, "10.1.1.129/25", "10.1.1.130", "52:54:00:6b:65:01", "52:54:00:6b:64:02"],
    [
      "172.20.0.0/16",
      1,
      "172.20.255.254/16",
      "172.20.0.3",
      "52:54:00:6b:65:02",
      "52:54:00:6b:64:03",
    ],
    ["10.9.8.4/30", 0, "10.9.8.5/30", "10.9.8.6", "52:54:00:6b:65:01", "52:54:00:6b:64:02"],
  ])("lays out %s for VM %i", (subnet, seat, gateway, guest, gatewayMac, guestMac) => {
    expect(guestNetwork(subnet, seat)).toEqual({ subnet, gateway, guest, gatewayMac, guestMac });
  });

  it("gives no address twice, however many VMs there are", () => {
    const all = Array.from({ length: 100 }, (_, seat) => guestNetwork("10.0.3.0/24", seat));
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
  ])("refuses %s for VM %i, which has no room", (subnet, seat) => {
    expect(() => guestNetwork(subnet, seat)).toThrow(/has no room for/);
  });
});
