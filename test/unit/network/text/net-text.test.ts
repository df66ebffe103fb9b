import { expect, it } from "vitest";
import { fail, ok } from "../../../../src/core/plan/finding.js";
import { netCheckText } from "../../../../src/network/text/net-check-text.js";
import { shapeText } from "../../../../src/network/text/shape-text.js";

it("netCheckText has a line per finding, and headings for several VMs", () => {
  const one = { vm: "a", findings: [ok("guest", "answers")] };
  expect(netCheckText({ vms: [one] })).toEqual(["ok    guest       answers"]);
  const other = { vm: "b", findings: [fail("NAT", "no rule", "add one")] };
  expect(netCheckText({ vms: [one, other] })).toEqual([
    "a:",
    "ok    guest       answers",
    "",
    "b:",
    "FAIL  NAT         no rule",
    "                  → add one",
  ]);
});

it("shapeText has the parameters and the implementation", () => {
  expect(shapeText({ vm: "a", shape: null })).toEqual(["a: not shaped"]);
  expect(shapeText({ vm: "a", shape: { by: "netem", words: "delay 10ms" } })).toEqual([
    "a: delay 10ms  (tc netem)",
  ]);
});
