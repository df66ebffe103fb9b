import { expect, it } from "vitest";
import { debugInfoProblem, decodeWarnings } from "../../../../src/vm/plan/decode-report.js";

const FINE = { places: 3, found: 3, otherSizes: [], missingModules: [] };

it.each([
  ["nothing for a log that is decoded", {}, []],
  ["nothing for a function more that is not the kernel's", { found: 2 }, []],
  ["a log without places", { places: 0, found: 0 }, [/names no place in the kernel's code/]],
  ["another kernel's log", { found: 0 }, [/^none of the 3 places that the log names is in this/]],
  [
    "modules",
    { found: 0, missingModules: ["8021q", "wifi"] },
    [/^there is no \.ko of 8021q, wifi/],
  ],
  [
    "another build's log",
    { otherSizes: ["a", "b", "c", "d", "e"] },
    [/^a, b, c, d and 1 more have another size in this kernel \(key\)/],
  ],
])("decodeWarnings tells %s", (_name, change, expected) => {
  const warnings = decodeWarnings({ ...FINE, ...change }, "key");
  expect(warnings.length).toBe(expected.length);
  for (const [index, pattern] of expected.entries()) expect(warnings[index]).toMatch(pattern);
});

it.each([
  ["CONFIG_DEBUG_INFO=y\n", undefined],
  ["CONFIG_DEBUG_INFO=y\n# CONFIG_DEBUG_INFO_SPLIT is not set\n", undefined],
  ["# CONFIG_DEBUG_INFO is not set\n", /CONFIG_DEBUG_INFO is off$/],
  ["CONFIG_DEBUG_INFO_NONE=y\n", /CONFIG_DEBUG_INFO is off$/],
  ["CONFIG_DEBUG_INFO=y\nCONFIG_DEBUG_INFO_SPLIT=y\n", /CONFIG_DEBUG_INFO_SPLIT is on$/],
])("a kernel with %j is told whether it has source lines", (config, message) => {
  const problem = debugInfoProblem(config);
  if (message === undefined) expect(problem).toBeUndefined();
  else expect(problem?.message).toMatch(message);
});
