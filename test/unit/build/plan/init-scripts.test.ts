import { describe, expect, it } from "vitest";
import {
  initProgress,
  NOTHING_RAN,
  scriptProblem,
} from "../../../../src/build/plan/init-scripts.js";
import { plan, text } from "../../fixtures.js";

const after = (...lines: string[]) => lines.reduce(initProgress, NOTHING_RAN);
const A = "/etc/kdock/init.d/001-a.sh";

describe("initProgress", () => {
  it("tracks the running script", () => {
    expect(after(`[    1.5] kdock: init script ${A} begins`, "words").running?.script).toBe(A);
    expect(after(`kdock: init script ${A} begins`, `kdock: init script ${A} is done`)).toEqual(
      NOTHING_RAN,
    );
  });

  it("reports a failure once, with the last output, also without a line end", () => {
    const failed = after(
      `[    1.500000] kdock: init script ${A} begins`,
      ...Array.from({ length: 20 }, (_, index) => `line ${index}`),
      `last words[    1.600000][   T60] kdock: init script ${A} failed with exit code 7`,
    );
    expect(failed.failed).toMatchObject({ script: A, exitCode: 7, strict: false });
    expect(failed.failed?.output).toHaveLength(10);
    expect(failed.failed?.output.slice(-2)).toEqual(["line 19", "last words"]);
    expect(initProgress(failed, "next")).toEqual(NOTHING_RAN);
  });

  it("accepts blanks in a name", () => {
    const { failed } = after("kdock: init script /etc/init.d/my net failed with exit code 1");
    expect(failed?.script).toBe("/etc/init.d/my net");
  });
});

describe("scriptProblem", () => {
  it.each([
    ["#!/bin/sh\r\nexit\r\n", "CRLF, line 1"],
    ["#!/bin/sh\ntrue\nexit\r\n", "CRLF, line 3"],
    ["", "is empty"],
  ])("rejects %j: %s", (content, problem) => {
    expect(scriptProblem(text(content))).toContain(problem);
  });

  it.each(["echo without a first line", "#!/bin/sh\nexit 1\n", "\x7fELF \r\n"])(
    "accepts %j",
    (it) => {
      expect(scriptProblem(text(it))).toBeUndefined();
    },
  );
});

describe("the rootfs's key", () => {
  const script = (path: string, content: string) => ({ path, content: text(content) });
  const key = (yaml: string, ...initScripts: ReturnType<typeof script>[]) =>
    plan(yaml, { user: { initScripts } }).rootfs.key;
  const [a, b] = [script("a", "1"), script("b", "2")];

  it("changes with scripts, their order, and strict", () => {
    const keys = [
      key(""),
      key("", a, b),
      key("", b, a),
      key("", a),
      key("", a, a),
      key("", script("a", "other")),
      key("rootfs: { strict: true }", a),
    ];
    expect(new Set(keys).size).toBe(keys.length);
  });
});
