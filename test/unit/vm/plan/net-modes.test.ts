import { describe, expect, it } from "vitest";
import {
  checkPortsHaveNetwork,
  netdev,
  netEnvironment,
} from "../../../../src/vm/plan/net-modes.js";
import { FIRST_SLOT } from "../../../../src/vm/plan/slots.js";
import { config } from "../../fixtures.js";

const vm = (keys: string) => config(`vm: { ${keys} }`).vm;

describe("netdev", () => {
  it.each([
    ["bridge", "tap,id=net0,ifname=tap0,script=no,downscript=no"],
    ["host", "tap,id=net0,fd=7"],
    ["none", undefined],
  ])("of mode %s is %s", (mode, expected) => {
    expect(netdev(vm(`net: { mode: ${mode} }`), FIRST_SLOT)).toBe(expected);
  });

  it("of mode user has the addresses that a bridge would have, and the guest's ports", () => {
    const ports = "['9090:90', '9091:90', '5353:53/udp', '9999:1234']";
    const keys = `net: { mode: user, subnet: 10.9.0.0/24 }, ports: ${ports}`;
    expect(netdev(vm(keys), { name: "b", index: 1 })).toBe(
      [
        "user,id=net0,ipv6=off,net=10.9.0.0/24,host=10.9.0.254,dns=10.9.0.1,dhcpstart=10.9.0.3",
        "hostname=b,hostfwd=tcp::90-10.9.0.3:90,hostfwd=udp::53-10.9.0.3:53",
        "hostfwd=tcp::1235-10.9.0.3:1234",
      ].join(","),
    );
  });
});

describe("netEnvironment", () => {
  it.each([
    ["bridge", ["KDOCK_NET_MODE", "KDOCK_USER_NETDEV"]],
    ["host", ["KDOCK_NET_MODE", "KDOCK_HOST_SOCKET"]],
    ["user", ["KDOCK_NET_MODE", "KDOCK_USER_NETDEV"]],
    ["none", ["KDOCK_NET_MODE"]],
  ])("of mode %s has %s", (mode, names) => {
    const environment = netEnvironment(vm(`net: { mode: ${mode} }`), FIRST_SLOT);
    expect(Object.keys(environment)).toEqual(names);
    expect(environment["KDOCK_NET_MODE"]).toBe(mode);
  });
});

describe("checkPortsHaveNetwork", () => {
  it("refuses ports without a network, and nothing else", () => {
    const ports = "ports: ['80:80']";
    expect(() => {
      checkPortsHaveNetwork(vm(`net: { mode: none }, ${ports}`));
    }).toThrow(/has no ports to publish/);
    checkPortsHaveNetwork(vm(`net: { mode: user }, ${ports}`));
    checkPortsHaveNetwork(vm("net: { mode: none }"));
  });
});
