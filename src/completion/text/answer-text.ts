import type { Shell } from "../../core/plan/choices.js";
import type { Answer } from "../plan/answer.js";
import type { Candidate } from "../plan/wanted.js";

/** What the scripts in completions/ read: a line "PATHS OFFSET space|nospace", then a line for each candidate. */
export function answerText(
  { candidates, paths, pathAt, isWhole }: Answer,
  shell: Shell,
): readonly string[] {
  const head = `${paths} ${pathAt} ${isWhole ? "space" : "nospace"}`;
  return [head, ...candidates.map((candidate) => LINES[shell](oneLine(candidate)))];
}

const LINES: Readonly<Record<Shell, (candidate: Candidate) => string>> = {
  bash: ({ value }) => value,
  // As _describe reads it.
  zsh: ({ value, about }) => [value.replaceAll(":", "\\:"), about].filter(Boolean).join(":"),
  fish: ({ value, about }) => [value, about].filter(Boolean).join("\t"),
};

function oneLine({ value, about }: Candidate): Candidate {
  return { value, about: about.replace(/\s+/g, " ") };
}
