import { describe, expect, it } from "vitest";
import {
  dropOf,
  firstMatch,
  FORWARDED,
  isIn,
  type Packet,
  parseFirewall,
  possibleDrops,
} from "../../../../../src/network/plan/net-check/firewall.js";

const OUT: Packet = {
  ...{ in: "br0", out: "eth0", source: "10.0.3.2", destination: "172.19.0.4" },
  ...{ protocol: "tcp", port: 80, state: "NEW" },
};

function filter(policy: string, ...rules: readonly string[]) {
  return parseFirewall(
    ["*filter", `:FORWARD ${policy} [0:0]`, ":USER - [0:0]", ...rules, "COMMIT"].join("\n"),
  );
}

const drops = (policy: string, ...rules: readonly string[]) =>
  dropOf(filter(policy, ...rules), FORWARDED, OUT)?.rule?.text ??
  (dropOf(filter(policy, ...rules), FORWARDED, OUT) === undefined ? "passes" : "policy");

describe("dropOf", () => {
  it.each<[string, string, string[]]>([
    ["passes", "ACCEPT", []],
    ["policy", "DROP", []],
    ["passes", "DROP", ["-A FORWARD -i br0 -j ACCEPT"]],
    ["policy", "DROP", ["-A FORWARD -o br0 -j ACCEPT"]],
    ["passes", "DROP", ["-A FORWARD -i br+ -j ACCEPT"]],
    ["passes", "DROP", ["-A FORWARD ! -i eth0 -j ACCEPT"]],
    ["-A FORWARD -j DROP", "ACCEPT", ["-A FORWARD -j DROP", "-A FORWARD -i br0 -j ACCEPT"]],
    ["-A FORWARD -j REJECT", "ACCEPT", ["-A FORWARD -j LOG", "-A FORWARD -j REJECT"]],
    ["-A USER -j DROP", "ACCEPT", ["-A FORWARD -j USER", "-A USER -j DROP"]],
    ["passes", "ACCEPT", ["-A FORWARD -j USER", "-A USER -j RETURN", "-A USER -j DROP"]],
    ["passes", "ACCEPT", ["-A FORWARD -p udp -j DROP"]],
    ["passes", "ACCEPT", ["-A FORWARD -p tcp -m tcp --dport 81 -j DROP"]],
    [
      "-A FORWARD -p tcp -m multiport --dports 22,80:90 -j DROP",
      "ACCEPT",
      ["-A FORWARD -p tcp -m multiport --dports 22,80:90 -j DROP"],
    ],
    ["passes", "ACCEPT", ["-A FORWARD -s 10.0.4.0/24 -j DROP"]],
    ["-A FORWARD -s 10.0.2.0/23 -j DROP", "ACCEPT", ["-A FORWARD -s 10.0.2.0/23 -j DROP"]],
    ["passes", "ACCEPT", ["-A FORWARD -m conntrack --ctstate ESTABLISHED -j DROP"]],
    // Unsupported matches do not match.
    ["passes", "ACCEPT", ["-A FORWARD -m statistic --mode random --probability 0.5 -j DROP"]],
    [
      '-A FORWARD -m comment --comment "not -j ACCEPT" -j DROP',
      "ACCEPT",
      ['-A FORWARD -m comment --comment "not -j ACCEPT" -j DROP'],
    ],
  ])("result '%s' for policy %s and rules %j", (expected, policy, rules) => {
    expect(drops(policy, ...rules)).toBe(expected);
  });

  it("ends for a chain that jumps to itself", () => {
    expect(drops("ACCEPT", "-A FORWARD -j USER", "-A USER -j USER")).toBe("passes");
  });

  it("possibleDrops finds dropping rules with unsupported matches", () => {
    const rule = "-A FORWARD -p tcp -m limit --limit 1/sec -j DROP";
    expect(possibleDrops(filter("ACCEPT", rule), FORWARDED, OUT)[0]?.rule?.text).toBe(rule);
    const other = "-A FORWARD -p udp -m limit --limit 1/sec -j DROP";
    expect(possibleDrops(filter("ACCEPT", other), FORWARDED, OUT)).toEqual([]);
  });
});

it("firstMatch returns the rule with its target's options", () => {
  const firewall = parseFirewall(
    "*nat\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING ! -i br0 -p tcp -m tcp --dport 80 -j DNAT --to-destination 10.0.3.2:8080\n",
  );
  const packet = { ...OUT, in: "eth0", out: undefined };
  expect(firstMatch(firewall, "nat", "PREROUTING", packet)).toMatchObject({
    target: "DNAT",
    options: ["--to-destination", "10.0.3.2:8080"],
  });
  expect(firstMatch(firewall, "nat", "PREROUTING", OUT)).toBeUndefined();
});

it.each([
  ["10.0.3.0/24", "10.0.3.255", true],
  ["10.0.3.0/24", "10.0.4.0", false],
  ["0.0.0.0/0", "192.0.2.1", true],
  ["192.168.0.0/16", "192.168.255.1", true],
  ["10.0.3.2", "10.0.3.2", true],
  ["10.0.3.2/32", "10.0.3.3", false],
])("isIn: %s contains %s: %s", (network, address, expected) => {
  expect(isIn(network, address)).toBe(expected);
});
