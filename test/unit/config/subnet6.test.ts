import { describe, expect, it } from "vitest";
import { parseIpv6Setting, SUBNET6 } from "../../../src/config/subnet6.js";

describe("parseIpv6Setting", () => {
  it.each([
    [true, SUBNET6],
    [false, undefined],
    ["fd00:1:2:3::/64", "fd00:1:2:3::/64"],
    ["FD00:0001:0:0::/64", "fd00:1::/64"],
    ["fd00:0:0:5:0:0:0:0/64", "fd00:0:0:5::/64"],
    ["2001:db8::/64", "2001:db8::/64"],
  ])("takes %s", (setting, value) => {
    expect(parseIpv6Setting(setting)).toEqual({ value });
  });

  it.each([
    ["", "expected true, false or an IPv6 /64"],
    ["10.0.3.0/24", "expected true, false or an IPv6 /64"],
    ["::ffff:10.0.3.0/64", "expected true, false or an IPv6 /64"],
    ["fd00::/64/64", "expected true, false or an IPv6 /64"],
    ["fd00::1::/64", "expected true, false or an IPv6 /64"],
    ["fd00::", "must be /64"],
    ["fd00::/48", "must be /64"],
    ["fd00:1:2:3::1/64", "write fd00:1:2:3::/64"],
    ["fd00:0:0:5:1::/64", "write fd00:0:0:5::/64"],
    ["fe80::/64", "begins with fd"],
    ["ff02::/64", "begins with fd"],
    ["::/64", "begins with fd"],
  ])("refuses %j", (setting, problem) => {
    const parsed = parseIpv6Setting(setting);
    expect("problem" in parsed ? parsed.problem : "").toContain(problem);
  });
});
