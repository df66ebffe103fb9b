import {
  type CommandLine,
  commandName,
  commandOf,
  isFlag,
  optionOf,
  optionsOf,
} from "./command-line.js";
import { type OptionShape, placeholder, takesValue } from "./command-shape.js";
import { type NameKind, type PathKind, type Value, VALUES, valueFor } from "./values.js";

export interface Candidate {
  readonly value: string;
  /** One line for people; "" for none. */
  readonly about: string;
}

/** What may stand where the cursor is. */
export interface Wanted {
  /** The part of the word that stays: "--arch=". */
  readonly before: string;
  /** The part that is completed. */
  readonly typed: string;
  readonly candidates: readonly Candidate[];
  readonly names: readonly NameKind[];
  readonly paths: PathKind;
}

type Found = Pick<Wanted, "candidates" | "names" | "paths">;

const NOTHING: Found = { candidates: [], names: [], paths: "none" };

/** `word` is the one that the cursor is in, up to the cursor. */
export function wantedAt(line: CommandLine, word: string): Wanted {
  const whole = { before: "", typed: word };
  if (isFlag(line, word)) {
    const [, flag = "", typed] = /^(--[^=]+)=(.*)$/s.exec(word) ?? [];
    if (typed === undefined) return { ...whole, ...NOTHING, candidates: flagsOf(line) };
    const option = optionOf(line, flag);
    const found = option !== undefined && takesValue(option) ? valueOf(line, option) : NOTHING;
    return { before: `${flag}=`, typed, ...found };
  }
  const { open } = line;
  return { ...whole, ...(open === undefined ? operandOf(line) : valueOf(line, open.option)) };
}

function flagsOf(line: CommandLine): Candidate[] {
  const own = optionsOf(line).map(({ long, short, description }) => ({
    value: long ?? short ?? "",
    about: description,
  }));
  return [...own, { value: "--help", about: "display help for command" }];
}

function valueOf(line: CommandLine, option: OptionShape): Found {
  if (option.argChoices !== undefined) return ofWords(option.argChoices);
  const { long = "" } = option;
  return of(valueFor([`${commandName(line)} ${long}`, long, placeholder(option)]));
}

function operandOf(line: CommandLine): Found {
  const name = commandName(line);
  const dashes = `${name} --`;
  if (line.isAfterDashes && Object.hasOwn(VALUES, dashes)) return of(valueFor([dashes]));
  const { commands, registeredArguments } = commandOf(line);
  if (commands.length > 0 && line.operands === 0) {
    const listed = commands.map((each) => ({
      value: each.name(),
      about: each.summary() || each.description(),
    }));
    const help = { value: "help", about: "display help for command" };
    return { ...NOTHING, candidates: [...listed, help] };
  }
  const argument = registeredArguments[line.operands] ?? registeredArguments.at(-1);
  const isLate = line.operands >= registeredArguments.length;
  if (argument === undefined || (isLate && !argument.variadic)) return NOTHING;
  if (argument.argChoices !== undefined) return ofWords(argument.argChoices);
  const value = valueFor([`${name} ${argument.name()}`, argument.name()]);
  return isLate && value.onlyFirst === true ? NOTHING : of(value);
}

function of({ words = [], names = [], paths = "none" }: Value): Found {
  return { ...ofWords(words), names, paths };
}

function ofWords(words: readonly string[]): Found {
  return { ...NOTHING, candidates: words.map((value) => ({ value, about: "" })) };
}
