import { describe, expect, it } from "vitest";
import { guestNetwork } from "../../../src/plan/network.js";

describe("guestNetwork", () => {
  it.each([
    ["10.0.3.0/24", "10.0.3.1/24", "10.0.3.2", "10.0.3.2,10.0.3.254"],
    [
      "192.168.100.128/25",
      "192.168.100.129/25",
      "192.168.100.130",
      "192.168.100.130,192.168.100.254",
    ],
    ["172.20.0.0/16", "172.20.0.1/16", "172.20.0.2", "172.20.0.2,172.20.255.254"],
    ["10.9.8.4/30", "10.9.8.5/30", "10.9.8.6", "10.9.8.6,10.9.8.6"],
  ])("lays out %s", (subnet, gateway, guest, dhcpRange) => {
    expect(guestNetwork(subnet)).toEqual({ subnet, gateway, guest, dhcpRange });
  });

  it.each(["10.0.3.0/31", "10.0.3.1/24"])("refuses %s", (subnet) => {
    expect(() => guestNetwork(subnet)).toThrow(/not a network with room/);
  });
});
