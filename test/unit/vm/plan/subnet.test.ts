import { describe, expect, it } from "vitest";
import {
  chooseSubnet,
  clashWith,
  routedRanges,
  usualSubnet,
} from "../../../../src/vm/plan/subnet.js";

const docker = (subnet: string) => ({ subnet, owner: "the Docker network x" });

describe("usualSubnet", () => {
  it("is the article's unless one is named", () => {
    expect(usualSubnet("auto")).toBe("10.0.3.0/24");
    expect(usualSubnet("10.9.0.0/16")).toBe("10.9.0.0/16");
  });
});

describe("chooseSubnet", () => {
  it.each([
    ["nothing is taken", [], "10.0.3.0/24"],
    ["others are taken", ["172.17.0.0/16", "10.0.4.0/24"], "10.0.3.0/24"],
    ["the article's is taken", ["10.0.3.0/24"], "10.0.4.0/24"],
    ["it is part of a larger one", ["10.0.0.0/22"], "10.0.4.0/24"],
    ["it has a smaller one in it", ["10.0.3.128/25", "10.0.4.7/32"], "10.0.5.0/24"],
    ["a VPN has all of 10", ["10.0.0.0/8"], "192.168.100.0/24"],
    ["and somebody all of 192.168", ["10.0.0.0/8", "192.168.0.0/16"], "172.31.0.0/24"],
    [
      "and Docker most of the rest",
      ["10.0.0.0/8", "192.168.0.0/16", "172.24.0.0/13"],
      "172.23.0.0/24",
    ],
  ])("when %s", (_what, taken, expected) => {
    expect(chooseSubnet("auto", taken.map(docker))).toBe(expected);
  });

  it("says so when every private network is taken", () => {
    const all = ["10.0.0.0/8", "192.168.0.0/16", "172.16.0.0/12"].map(docker);
    expect(() => chooseSubnet("auto", all)).toThrow(/no network is free/);
  });

  it("takes the named one, or says who has it", () => {
    expect(chooseSubnet("10.9.0.0/16", [docker("10.8.0.0/16")])).toBe("10.9.0.0/16");
    expect(() => chooseSubnet("10.9.0.0/16", [docker("10.9.8.0/24")])).toThrow(
      "vm.net.subnet: 10.9.0.0/16 clashes with the Docker network x (10.9.8.0/24)",
    );
  });
});

describe("clashWith", () => {
  it.each([
    ["10.0.3.0/24", "10.0.2.0/24", false],
    ["10.0.3.0/24", "10.0.4.0/24", false],
    ["10.0.3.0/24", "10.0.3.255/32", true],
    ["10.0.3.0/25", "10.0.3.128/25", false],
    ["192.168.0.0/16", "192.168.77.0/24", true],
    ["200.0.0.0/8", "192.0.0.0/4", true],
  ])("%s and %s: %s", (one, other, expected) => {
    expect(clashWith(one, [docker(other)]) !== undefined).toBe(expected);
    expect(clashWith(other, [docker(one)]) !== undefined).toBe(expected);
  });
});

describe("routedRanges", () => {
  const HEAD =
    "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT";
  const route = (link: string, destination: string, mask: string) =>
    `${link}\t${destination}\t00000000\t0001\t0\t0\t0\t${mask}\t0\t0\t0`;

  it("reads the kernel's table, without its default routes", () => {
    const table = [
      HEAD,
      route("eth0", "00000000", "00000000"),
      route("tun0", "00000080", "00000080"),
      route("eth0", "0003000A", "00FFFFFF"),
      route("docker0", "000011AC", "0000FFFF"),
      route("ppp0", "0700A8C0", "FFFFFFFF"),
      "",
    ];
    expect(routedRanges(table.join("\n"))).toEqual([
      { subnet: "10.0.3.0/24", owner: "this machine's route on eth0" },
      { subnet: "172.17.0.0/16", owner: "this machine's route on docker0" },
      { subnet: "192.168.0.7/32", owner: "this machine's route on ppp0" },
    ]);
  });

  it("finds nothing where there is no table", () => {
    expect(routedRanges("")).toEqual([]);
  });
});
