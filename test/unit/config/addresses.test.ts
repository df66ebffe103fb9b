import { describe, expect, it } from "vitest";
import { parseListen, parsePort, parseSubnet } from "../../../src/config/addresses.js";

describe("parsePort", () => {
  it.each([
    ["9090:90", "127.0.0.1", 9090, 90, "tcp"],
    ["0:90", "127.0.0.1", 0, 90, "tcp"],
    ["0.0.0.0:9090:90/tcp", "0.0.0.0", 9090, 90, "tcp"],
    ["localhost:9090:90", "127.0.0.1", 9090, 90, "tcp"],
    ["5353:53/udp", "127.0.0.1", 5353, 53, "udp"],
    ["[::1]:9090:90", "::1", 9090, 90, "tcp"],
  ])("reads %s", (text, hostAddress, hostPort, guestPort, protocol) => {
    expect(parsePort(text)).toEqual({ value: { hostAddress, hostPort, guestPort, protocol } });
  });

  it.each([
    ["9090", "expected [ADDRESS:]HOST:GUEST[/udp]"],
    ["9090:90/sctp", "expected [ADDRESS:]HOST:GUEST[/udp]"],
    ["a:9090:90", "not an IP address"],
    ["::1:9090:90", "expected [ADDRESS:]HOST:GUEST[/udp]"],
    ["[zz]:9090:90", "not an IP address"],
    ["9090:0", "ports go from 1 to 65535"],
    ["65536:90", "ports go from 1 to 65535"],
    [" 9090:90", "expected [ADDRESS:]HOST:GUEST[/udp]"],
  ])("refuses %s", (text, problem) => {
    const parsed = parsePort(text);
    expect("problem" in parsed ? parsed.problem : "").toContain(problem);
  });
});

describe("parseListen", () => {
  it.each([
    ["1234", "127.0.0.1", 1234],
    ["0", "127.0.0.1", 0],
    ["0.0.0.0:1234", "0.0.0.0", 1234],
    ["[::]:1234", "::", 1234],
  ])("reads %s", (text, address, port) => {
    expect(parseListen(text)).toEqual({ value: { address, port } });
  });

  it.each(["", ":1234", "127.0.0.1:", "127.0.0.1:65536", "host:1", "127.0.0.1.5:1", "::1:1"])(
    "refuses %j",
    (text) => {
      expect(parseListen(text)).toHaveProperty("problem");
    },
  );
});

describe("parseSubnet", () => {
  it.each(["10.0.0.0/8", "10.0.3.0/24", "192.168.255.248/29", "172.16.0.0/12"])(
    "takes %s",
    (text) => {
      expect(parseSubnet(text)).toEqual({ value: text });
    },
  );

  it.each([
    ["10.0.3.7/24", "write 10.0.3.0/24"],
    ["255.255.255.255/29", "write 255.255.255.248/29"],
    ["10.0.0.0/7", "/8 to /29"],
    ["10.0.0.0/30", "/8 to /29"],
    ["10.0.3.0/024", "expected an IPv4 network"],
    ["10.0.3.0/08", "write 10.0.0.0/8"],
    ["10.0.3/24", "expected an IPv4 network"],
    ["10.0.3.256/24", "expected an IPv4 network"],
    ["fd00::/64", "expected an IPv4 network"],
    ["10.0.3.0", "expected an IPv4 network"],
  ])("refuses %s", (text, problem) => {
    const parsed = parseSubnet(text);
    expect("problem" in parsed ? parsed.problem : "").toContain(problem);
  });
});
