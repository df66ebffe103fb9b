import { describe, expect, it } from "vitest";
import { netemKeyword, netemLines, parseNetem } from "../../../../src/network/plan/netem.js";

const rules = (words: string) => parseNetem(words.split(" "));

describe("parseNetem", () => {
  it.each([
    ["delay 100ms", { delay: 0.1 }],
    ["latency 1s", { delay: 1 }],
    ["delay 1500us", { delay: 0.0015 }],
    ["delay 1500", { delay: 0.0015 }],
    ["delay 2msec 1msec 25%", { delay: 0.002, jitter: 0.001, delay_correlation: 0.25 }],
    ["delay 10ms 2ms distribution normal", { delay: 0.01, jitter: 0.002, distribution: "normal" }],
    ["del 10ms lo 1%", { delay: 0.01, loss: 0.01 }],
    ["loss 5%", { loss: 0.05 }],
    ["loss random 5% 50%", { loss: 0.05, loss_correlation: 0.5 }],
    ["drop 0.5", { loss: 0.005 }],
    ["duplicate 1% 10%", { duplicate: 0.01, duplicate_correlation: 0.1 }],
    ["corrupt 0.1%", { corrupt: 0.001 }],
    [
      "delay 10ms reorder 25% 50%",
      { delay: 0.01, reorder: 0.25, reorder_correlation: 0.5, gap: 1 },
    ],
    ["delay 10ms reorder 100% gap 5", { delay: 0.01, reorder: 1, gap: 5 }],
    ["rate 1mbit", { rate: 125_000 }],
    ["rate 100kbps", { rate: 100_000 }],
    ["rate 1Mibit", { rate: 131_072 }],
    ["rate 8000", { rate: 1000 }],
    ["limit 10 delay 1ms", { limit: 10, delay: 0.001 }],
  ])("reads %s", (words, expected) => {
    const netem = rules(words);
    expect(netem.kind).toBe("rules");
    const found = netem.kind === "rules" ? netem.rules : {};
    expect(Object.keys(found).sort()).toEqual(Object.keys(expected).sort());
    for (const [name, value] of Object.entries(expected)) {
      const of = found[name as keyof typeof found];
      if (typeof value === "number") expect(of, name).toBeCloseTo(value, 9);
      else expect(of).toBe(value);
    }
  });

  it.each([
    ["loss gemodel 1% 10% 70% 0.1%", ["loss gemodel"]],
    ["loss state 1%", ["loss state"]],
    ["delay 10ms 1ms distribution pareto", ["distribution pareto"]],
    ["rate 1mbit 20", ["rate with PACKETOVERHEAD"]],
    ["rate 10%", ["rate in percent"]],
    ["slot 800us 5ms packets 10", ["slot"]],
    ["slot distribution normal 1ms 1ms loss 1% ecn", ["slot", "ecn"]],
    ["delay 1ms seed 42", ["seed"]],
  ])("does not support %s", (words, unsupported) => {
    expect(rules(words)).toEqual({ kind: "unsupported", words: unsupported });
  });

  it.each([
    ["d", "delay"],
    ["l", "limit"],
    ["la", "latency"],
    ["r", "reorder"],
    ["ra", "rate"],
    ["", undefined],
    ["server", undefined],
    ["delays", undefined],
  ])("netemKeyword of '%s' is %s", (typed, keyword) => {
    expect(netemKeyword(typed)).toBe(keyword);
  });
});

it("netemLines ends with an empty line", () => {
  expect(netemLines({ delay: 0.1, loss: 0.05 }, "delay 100ms loss 5%")).toBe(
    "words delay 100ms loss 5%\ndelay 0.1\nloss 0.05\n\n",
  );
});
