import { describe, expect, it } from "vitest";
import { counter } from "../../../../../src/network/plan/net-check/facts.js";
import { parsePing } from "../../../../../src/network/plan/net-check/ping.js";
import { containerWith, guestWith } from "./scene.js";

it("reads what the container's script prints", () => {
  const facts = containerWith();
  expect(facts).toMatchObject({
    ...{ mode: "bridge", gateway: "10.0.3.1/24", guest: "10.0.3.2", uplink: "eth0" },
    ...{ gateway6: "fd6b:646f:636b:3::1/64", noGateway6: "", defaultRoute: "172.19.0.1" },
    published: [
      { protocol: "tcp", port: 8080, guestPort: 80 },
      { protocol: "udp", port: 53, guestPort: 53 },
    ],
    ...{ dnsmasq: { runs: true, lastWords: "" }, resolver: "127.0.0.11", qdiscs: [], shape: "" },
    echoes: { asked: 12, answered: 11 },
  });
  expect(facts.links.get("tap0")).toMatchObject({ mtu: 1500, isUp: true, master: "br0" });
  expect(facts.links.get("br0")?.addresses).toEqual(["10.0.3.1/24", "fd6b:646f:636b:3::1/64"]);
  expect(facts.sysctls.get("net/ipv4/ip_forward")).toBe("1");
});

it("reads what dnsmasq said last, and disciplines that disturb", () => {
  const facts = containerWith(
    ["%dnsmasq\nruns", "%dnsmasq\ndnsmasq: failed to bind"],
    ["qdisc pfifo_fast 0: root refcnt 2", "qdisc tbf 8001: root refcnt 2"],
    ["%shape\n", "%shape\nstand-in delay 10ms loss 1%\n"],
  );
  expect(facts.dnsmasq).toEqual({ runs: false, lastWords: "dnsmasq: failed to bind" });
  expect(facts.qdiscs).toHaveLength(1);
  expect(facts.shape).toBe("delay 10ms loss 1%");
});

it("reads what the guest's script prints", () => {
  expect(guestWith()).toMatchObject({
    ...{ card: "eth0", isUp: true, hasCarrier: true, mtu: 1500, defaultRoute: "10.0.3.1" },
    ...{ addresses: ["10.0.3.2/24"], addresses6: ["fd6b:646f:636b:3::2/64"] },
    ...{ resolvers: ["10.0.3.1"], hasPacketSockets: true, hasIpv6: true },
    listening: new Set(["tcp/80", "udp/53"]),
  });
  expect(guestWith(["0x1003", "0x1002"]).isUp).toBe(false);
  expect(guestWith(["default via 10.0.3.1 dev eth0", ""]).defaultRoute).toBeUndefined();
  expect(guestWith(["default via 10.0.3.1 dev", "default dev"]).defaultRoute).toBe("");
});

it("finds a counter by its name, and counts nothing where there is none", () => {
  const snmp = "Ip: Forwarding InReceives\nIp: 1 649\nIcmp: InEchos\nIcmp: 7\n";
  expect(counter(snmp, "Ip", "InReceives")).toBe(649);
  expect(counter(snmp, "Icmp", "InEchoReps")).toBe(0);
  expect(counter("", "Ip", "InReceives")).toBe(0);
});

describe("ping", () => {
  const snmp = (received: number, replies: number) =>
    `Ip: InReceives\nIp: ${received}\nIcmp: InEchoReps\nIcmp: ${replies}\n`;
  const said = (text: string) => parsePing(`${snmp(5, 1)}%ping\n${text}\n%after\n${snmp(9, 3)}`);

  it("has its numbers", () => {
    const ping = said(
      "3 packets transmitted, 2 packets received, 33% packet loss\nround-trip min/avg/max = 0.9/102.5/200.1 ms",
    );
    expect(ping).toEqual({
      ...{ sent: 3, received: 2, ms: 102.5, complaint: undefined, arrived: 4, taken: 2 },
    });
  });

  it.each([
    ["ping: sendto: Network unreachable", "sendto: Network unreachable"],
    ["ping: bad address 'b'", "bad address 'b'"],
    ["sh: ping: not found", "sh: ping: not found"],
  ])("%s", (text, complaint) => {
    expect(said(text)).toMatchObject({ sent: 0, received: 0, ms: undefined, complaint });
  });
});
