import { expect, it } from "vitest";
import { z } from "zod";
import { isIpv4, isIpv6 } from "../../../src/config/ip-address.js";

const TEXTS = [
  ...["0.0.0.0", "255.255.255.255", "10.0.3.1", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4"],
  ...["1.2.3.4\n", " 1.2.3.4", "1.2.3.-4", "1.2.3.4/24", "::", "::1", "fd00:1:2:3::", "FE80::A"],
  ...["1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", "::12345", "::g"],
  ...["::ffff:10.0.3.1", "::1\n", "::1%eth0", "::@1", "[::1]", "::1]/[", "localhost", ""],
];

it.each(TEXTS)("%j is an address exactly where zod takes it for one", (text) => {
  expect(isIpv4(text)).toBe(z.ipv4().safeParse(text).success);
  expect(isIpv6(text)).toBe(z.ipv6().safeParse(text).success);
});

it("knows addresses of both kinds", () => {
  expect(TEXTS.filter(isIpv4)).toEqual(["0.0.0.0", "255.255.255.255", "10.0.3.1"]);
  expect(TEXTS.filter(isIpv6)).toContain("::1");
});
