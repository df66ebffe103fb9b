import { type CommandShape, type OptionShape, takesValue } from "./command-shape.js";

/** The words of a command line as far as they go, read as commander reads them. */
export interface CommandLine {
  readonly program: CommandShape;
  /** The command and its subcommand; none for kdock itself. */
  readonly path: readonly CommandShape[];
  /** How many operands there are. */
  readonly operands: number;
  /** Whether "--" is among the words: no flag follows. */
  readonly isAfterDashes: boolean;
  /** The option that takes the next word as its value; with `mayEnd` a flag may come instead. */
  readonly open: { readonly option: OptionShape; readonly mayEnd: boolean } | undefined;
  /** The value of kdock's --config. */
  readonly config: string | undefined;
}

/** The command that `words` name has all of its definition in `program`. */
export function readCommandLine(program: CommandShape, words: readonly string[]): CommandLine {
  const none = { path: [], operands: 0, isAfterDashes: false, open: undefined, config: undefined };
  return words.reduce<CommandLine>(withWord, { program, ...none });
}

export function commandOf({ program, path }: CommandLine): CommandShape {
  return path.at(-1) ?? program;
}

/** "config set"; "" for kdock itself. */
export function commandName({ path }: CommandLine): string {
  return path.map((command) => command.name()).join(" ");
}

/** Those of the command, and kdock's own, which commander accepts after it as well. */
export function optionsOf(line: CommandLine): OptionShape[] {
  const all = new Set([...commandOf(line).options, ...line.program.options]);
  return [...all].filter(({ hidden }) => !hidden);
}

export function optionOf(line: CommandLine, flag: string): OptionShape | undefined {
  return optionsOf(line).find(({ short, long }) => short === flag || long === flag);
}

/** Whether a word would be a flag here: no operand, and no value of the option before it. */
export function isFlag({ isAfterDashes, open }: CommandLine, word: string): boolean {
  return word.startsWith("-") && !isAfterDashes && (open === undefined || open.mayEnd);
}

function withWord(line: CommandLine, word: string): CommandLine {
  if (word !== "-" && isFlag(line, word)) return withFlag({ ...line, open: undefined }, word);
  if (line.open !== undefined) return withValue(line, line.open.option, word);
  return withOperand(line, word);
}

function withFlag(line: CommandLine, word: string): CommandLine {
  if (word === "--") return { ...line, isAfterDashes: true };
  const option = optionLeftOpen(line, word);
  return option === undefined
    ? withAssignedConfig(line, word)
    : { ...line, open: { option, mayEnd: !option.required } };
}

/** The option whose value is the next word. */
function optionLeftOpen(line: CommandLine, word: string): OptionShape | undefined {
  if (word.startsWith("--")) {
    const option = optionOf(line, word);
    return option !== undefined && takesValue(option) ? option : undefined;
  }
  // `-it`, `-p 80:80` and `-p80:80`: what follows the first letter that takes a value is the value.
  const letters = Array.from(word.slice(1));
  const taking = letters.map((letter) => optionOf(line, `-${letter}`));
  const at = taking.findIndex((option) => option !== undefined && takesValue(option));
  return at === letters.length - 1 ? taking[at] : undefined;
}

function withAssignedConfig(line: CommandLine, word: string): CommandLine {
  const [, config] = /^(?:--config=|-c)(.+)$/s.exec(word) ?? [];
  return config === undefined ? line : { ...line, config };
}

function withValue(line: CommandLine, option: OptionShape, word: string): CommandLine {
  const config = option.long === "--config" ? word : line.config;
  return { ...line, config, open: option.variadic ? { option, mayEnd: true } : undefined };
}

function withOperand(line: CommandLine, word: string): CommandLine {
  const { commands } = commandOf(line);
  const isCommand = commands.length > 0 && line.operands === 0 && !line.isAfterDashes;
  const named = isCommand ? commands.find((each) => each.name() === word) : undefined;
  if (named !== undefined) return { ...line, path: [...line.path, named] };
  // `kdock help net` names commands as `kdock net` does.
  return isCommand && word === "help" ? line : { ...line, operands: line.operands + 1 };
}
