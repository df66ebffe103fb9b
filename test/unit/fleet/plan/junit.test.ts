import { expect, it } from "vitest";
import { junitReport, xmlText } from "../../../../src/fleet/plan/junit.js";

it("xmlText escapes markup and removes characters that XML does not allow", () => {
  expect(xmlText(`a < b && c > "d"`)).toBe("a &lt; b &amp;&amp; c &gt; &quot;d&quot;");
  expect(xmlText("\u001b[31mred\u001b[0m\u0000\ttab\nline")).toBe("[31mred[0m\ttab\nline");
  expect(xmlText("half a pair: \ud83d, a whole one: \u{1f427}")).toBe(
    "half a pair: , a whole one: \u{1f427}",
  );
  expect(xmlText("]]>")).toBe("]]&gt;");
});

it("junitReport counts failures and skipped cases, and keeps line ends in attributes", () => {
  const report = junitReport("kdock.matrix", [
    { name: "a", time: 1.5, output: "fine", failure: undefined, skipped: false },
    {
      name: 'b "<>"',
      time: 2,
      output: "",
      failure: { message: "one\ntwo", type: "failed", text: "x < y" },
      skipped: false,
    },
    { name: "c", time: 0, output: "", failure: undefined, skipped: true },
  ]);
  expect(report).toContain('tests="3" failures="1" errors="0" skipped="1" time="3.500"');
  expect(report).toContain('<testcase classname="kdock.matrix" name="b &quot;&lt;&gt;&quot;"');
  expect(report).toContain('<failure message="one&#10;two" type="failed">x &lt; y</failure>');
  expect(report).toContain("<skipped/>");
});
