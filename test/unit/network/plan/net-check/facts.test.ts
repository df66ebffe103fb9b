import { describe, expect, it } from "vitest";
import { counter } from "../../../../../src/network/plan/net-check/facts.js";
import { parsePing } from "../../../../../src/network/plan/net-check/ping.js";
import { containerWith, guestWith } from "./scene.js";

it("parseContainerFacts reads the container script's output", () => {
  const facts = containerWith();
  expect(facts).toMatchObject({
    ...{ mode: "bridge", gateway: "10.0.3.1/24", guest: "10.0.3.2", uplink: "eth0" },
    ...{ gateway6: "fd6b:646f:636b:3::1/64", noGateway6: "", defaultRoute: "172.19.0.1" },
    published: [
      { protocol: "tcp", port: 8080, guestPort: 80 },
      { protocol: "udp", port: 53, guestPort: 53 },
    ],
    ...{ dnsmasq: { runs: true, lastError: "" }, resolver: "127.0.0.11", qdiscs: [], shape: "" },
    echoes: { requests: 12, replies: 11 },
  });
  expect(facts.links.get("tap0")).toMatchObject({ mtu: 1500, isUp: true, master: "br0" });
  expect(facts.links.get("br0")?.addresses).toEqual(["10.0.3.1/24", "fd6b:646f:636b:3::1/64"]);
  expect(facts.sysctls.get("net/ipv4/ip_forward")).toBe("1");
});

it("parseContainerFacts reads dnsmasq's last error, queueing disciplines and shaping", () => {
  const facts = containerWith(
    ["%dnsmasq\nruns", "%dnsmasq\ndnsmasq: failed to bind"],
    ["qdisc pfifo_fast 0: root refcnt 2", "qdisc tbf 8001: root refcnt 2"],
    ["%shape\n", "%shape\nstand-in delay 10ms loss 1%\n"],
  );
  expect(facts.dnsmasq).toEqual({ runs: false, lastError: "dnsmasq: failed to bind" });
  expect(facts.qdiscs).toHaveLength(1);
  expect(facts.shape).toBe("delay 10ms loss 1%");
});

it("parseGuestFacts reads the guest script's output", () => {
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

it("counter finds a counter by name and is 0 without it", () => {
  const snmp = "Ip: Forwarding InReceives\nIp: 1 649\nIcmp: InEchos\nIcmp: 7\n";
  expect(counter(snmp, "Ip", "InReceives")).toBe(649);
  expect(counter(snmp, "Icmp", "InEchoReps")).toBe(0);
  expect(counter("", "Ip", "InReceives")).toBe(0);
});

describe("parsePing", () => {
  const snmp = (received: number, replies: number) =>
    `Ip: InReceives\nIp: ${received}\nIcmp: InEchoReps\nIcmp: ${replies}\n`;
  const parse = (text: string) => parsePing(`${snmp(5, 1)}%ping\n${text}\n%after\n${snmp(9, 3)}`);

  it("reads the statistics and the counters' increase", () => {
    const ping = parse(
      "3 packets transmitted, 2 packets received, 33% packet loss\nround-trip min/avg/max = 0.9/102.5/200.1 ms",
    );
    expect(ping).toEqual({
      ...{ sent: 3, received: 2, ms: 102.5, error: undefined, arrived: 4, accepted: 2 },
    });
  });

  it.each([
    ["ping: sendto: Network unreachable", "sendto: Network unreachable"],
    ["ping: bad address 'b'", "bad address 'b'"],
    ["sh: ping: not found", "sh: ping: not found"],
  ])("reads the error '%s'", (text, error) => {
    expect(parse(text)).toMatchObject({ sent: 0, received: 0, ms: undefined, error });
  });
});
