import type { PathKind } from "./values.js";
import type { Candidate, Wanted } from "./wanted.js";

/** What a shell is told. */
export interface Answer {
  /** Whole words, those that begin as the typed one does. */
  readonly candidates: readonly Candidate[];
  readonly paths: PathKind;
  /** How many characters of the word stand before the path. */
  readonly pathAt: number;
  /** False where each candidate is the beginning of a word: "file:". */
  readonly isWhole: boolean;
}

/** No shell quotes or obeys them, so they can be put into a command line as they are. */
const PLAIN = /^[\w@%+=:,./-]+$/;

/** More of the word is to come. */
const BEGINNING = /[=:-]$/;

export function answerTo(
  { before, typed, candidates, paths }: Wanted,
  names: readonly Candidate[],
): Answer {
  const matching = [...candidates, ...names].filter(
    ({ value }) =>
      value.startsWith(typed) && PLAIN.test(value) && !(value === typed && BEGINNING.test(value)),
  );
  // `file:my.config`: the path begins after the scheme.
  const scheme = /^[a-z]+:/.exec(typed)?.[0] ?? "";
  const isScheme = candidates.some(({ value }) => value === scheme);
  return {
    candidates: matching.map(({ value, about }) => ({ value: before + value, about })),
    paths,
    pathAt: before.length + (isScheme ? scheme.length : 0),
    isWhole: matching.length === 0 || !matching.every(({ value }) => BEGINNING.test(value)),
  };
}
