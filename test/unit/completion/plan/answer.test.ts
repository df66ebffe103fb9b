import { expect, it } from "vitest";
import { answerTo } from "../../../../src/completion/plan/answer.js";
import type { Wanted } from "../../../../src/completion/plan/wanted.js";

const WANTED: Wanted = { before: "", typed: "", candidates: [], names: [], paths: "none" };
const named = (...values: string[]) => values.map((value) => ({ value, about: "" }));
const answer = (wanted: Partial<Wanted>, ...names: string[]) =>
  answerTo({ ...WANTED, ...wanted }, named(...names));

it("keeps what begins as the typed word does, behind what stays of it", () => {
  const { candidates } = answer({ before: "--vm=", typed: "we" }, "web", "db");
  expect(candidates).toEqual(named("--vm=web"));
});

it("drops names that a shell would obey or quote", () => {
  const names = ["$(reboot)", "a b", "a'b", "x;y", "\u001b[31m", "`x`", "~", "*", "web-1"];
  expect(answer({}, ...names).candidates).toEqual(named("web-1"));
});

it("is not whole where each candidate is the beginning of a word", () => {
  expect(answer({ typed: "NE" }, "NET=", "NETFILTER=").isWhole).toBe(false);
  expect(answer({}, "file:", "tiny").isWhole).toBe(true);
  expect(answer({ paths: "files" }).isWhole).toBe(true);
});

it("a path begins behind a scheme that is offered", () => {
  const preset = { candidates: named("tiny", "file:"), paths: "files" } as const;
  expect(answer({ ...preset, typed: "file:a" })).toMatchObject({ pathAt: 5, candidates: [] });
  expect(answer({ ...preset, typed: "file:" }).candidates).toEqual([]);
  expect(answer({ ...preset, before: "--preset=", typed: "file:a" }).pathAt).toBe(14);
  expect(answer({ paths: "files", typed: "other:a" }).pathAt).toBe(0);
});
