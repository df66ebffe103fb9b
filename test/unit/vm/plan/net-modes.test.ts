import { describe, expect, it } from "vitest";
import { NET_MODES } from "../../../../src/config/config.js";
import { TAP_FD } from "../../../../src/core/plan/names.js";
import {
  checkPortsHaveNetwork,
  netdevs,
  netEnvironment,
} from "../../../../src/vm/plan/net-modes.js";
import { FIRST_SLOT } from "../../../../src/vm/plan/slots.js";
import { config } from "../../fixtures.js";

const vm = (keys: string) => config(`vm: { ${keys} }`).vm;

describe("netdevs", () => {
  const of = (keys: string) => netdevs(vm(keys), FIRST_SLOT);

  it("of mode bridge are the bridge's tap, and QEMU's own network that may take its place", () => {
    expect(of("net: { mode: bridge }")).toEqual({
      tap: "tap,id=net0,ifname=tap0,script=no,downscript=no",
      user: expect.stringMatching(/^user,id=net0,/) as string,
      canFallBack: true,
    });
  });

  it("of mode host are the tap that is handed over", () => {
    const tap = `tap,id=net0,fd=${TAP_FD}`;
    expect(of("net: { mode: host }")).toEqual({ tap, user: undefined, canFallBack: false });
  });

  it("of mode none are none", () => {
    const none = { tap: undefined, user: undefined, canFallBack: false };
    expect(of("net: { mode: none }")).toEqual(none);
  });

  it("of mode user have the addresses that a bridge would have, and the guest's ports", () => {
    const ports = "['9090:90', '9091:90', '5353:53/udp', '9999:1234']";
    const keys = `net: { mode: user, subnet: 10.9.0.0/24 }, ports: ${ports}`;
    const user = [
      "user,id=net0,ipv6=off,net=10.9.0.0/24,host=10.9.0.254,dns=10.9.0.1,dhcpstart=10.9.0.3",
      "hostname=b,hostfwd=tcp::90-10.9.0.3:90,hostfwd=udp::53-10.9.0.3:53",
      "hostfwd=tcp::1235-10.9.0.3:1234",
    ].join(",");
    expect(netdevs(vm(keys), { name: "b", index: 1 })).toEqual({
      ...{ tap: undefined, user, canFallBack: false },
    });
  });
});

describe("netEnvironment", () => {
  it.each(NET_MODES)("of mode %s names it, and in mode host where taps are given away", (mode) => {
    const socket = mode === "host" ? { KDOCK_HOST_SOCKET: "/host/tap.sock" } : {};
    const environment = netEnvironment(vm(`net: { mode: ${mode} }`));
    expect(environment).toEqual({ KDOCK_NET_MODE: mode, ...socket });
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
