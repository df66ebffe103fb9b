import { expect, it } from "vitest";
import { answerText } from "../../../../src/completion/text/answer-text.js";

const ANSWER = {
  candidates: [
    { value: "file:", about: "a .config:\n  yours" },
    { value: "tiny", about: "" },
  ],
  ...({ paths: "files", pathAt: 3, isWhole: false } as const),
};

it.each([
  ["bash", ["file:", "tiny"]],
  ["zsh", ["file\\::a .config: yours", "tiny"]],
  ["fish", ["file:\ta .config: yours", "tiny"]],
] as const)("%s reads a head and a line for each candidate", (shell, lines) => {
  expect(answerText(ANSWER, shell)).toEqual(["files 3 nospace", ...lines]);
});
