/** Rules for images/vm/shape.pl: times in seconds, shares from 0 to 1, rate in bytes per second, limit and gap in packets. */
export type NetemRules = Readonly<Partial<Record<NetemNumber, number>>> & {
  readonly distribution?: "normal" | "uniform";
};

type NetemNumber =
  | "delay"
  | "jitter"
  | "delay_correlation"
  | "loss"
  | "loss_correlation"
  | "duplicate"
  | "duplicate_correlation"
  | "corrupt"
  | "corrupt_correlation"
  | "reorder"
  | "reorder_correlation"
  | "gap"
  | "rate"
  | "limit";

export type Netem =
  | { readonly kind: "rules"; readonly rules: NetemRules }
  /** Names as in tc-netem(8). */
  | { readonly kind: "unsupported"; readonly words: readonly string[] };

export const NETEM_EXAMPLE = "kdock net shape 'delay 100ms 10ms loss 5%'";

/** netem's parameters, in the order in which tc matches abbreviations. */
const KEYWORDS = [
  "limit",
  "latency",
  "delay",
  "loss",
  "drop",
  "ecn",
  "seed",
  "reorder",
  "corrupt",
  "gap",
  "duplicate",
  "distribution",
  "rate",
  "slot",
] as const;

type Keyword = (typeof KEYWORDS)[number];

/** The parameter that tc takes an abbreviation for; undefined for none. */
export function netemKeyword(typed: string): Keyword | undefined {
  return typed === "" ? undefined : KEYWORDS.find((word) => word.startsWith(typed));
}

/** Parses words that tc has validated; other words are not checked. Does not throw: unknown words are "unsupported". */
export function parseNetem(words: readonly string[]): Netem {
  const rules: Record<string, number | string> = {};
  const unsupported: string[] = [];
  const rest = [...words];
  while (rest.length > 0) {
    const typed = rest.shift() ?? "";
    const keyword = netemKeyword(typed);
    const values: string[] = [];
    while (rest[0] !== undefined && isValue(keyword, values.length, rest[0])) {
      values.push(rest.shift() ?? "");
    }
    const parsed = keyword === undefined ? undefined : PARSERS[keyword]?.(values);
    if (parsed === undefined) unsupported.push(keyword ?? typed);
    else if (typeof parsed === "string") unsupported.push(parsed);
    else Object.assign(rules, parsed);
  }
  if (unsupported.length > 0) return { kind: "unsupported", words: unsupported };
  // tc's default.
  if (rules["reorder"] !== undefined) rules["gap"] ??= 1;
  return { kind: "rules", rules };
}

/** Whether a word is a value of the parameter: a number, a loss model, a distribution's name, or any value of slot. */
function isValue(keyword: Keyword | undefined, index: number, word: string): boolean {
  if (/^[-+.]?\d/.test(word)) return true;
  if (keyword === "slot") return word === "distribution" || netemKeyword(word) === undefined;
  if (index > 0) return false;
  if (keyword === "distribution") return true;
  return (keyword === "loss" || keyword === "drop") && LOSS_MODELS.includes(word);
}

const LOSS_MODELS: readonly string[] = ["random", "state", "gemodel"];

/** Returns the rules for a parameter's values, or the name of an unsupported feature. */
type Parser = (values: readonly string[]) => Record<string, number | string> | string;

const share =
  (name: string): Parser =>
  ([share, correlation, ...more]) =>
    more.length > 0
      ? name
      : {
          [name]: percent(share),
          ...(correlation === undefined ? {} : { [`${name}_correlation`]: percent(correlation) }),
        };

const loss: Parser = (values) => {
  const [first = ""] = values;
  if (first === "state" || first === "gemodel") return `loss ${first}`;
  return share("loss")(first === "random" ? values.slice(1) : values);
};

const delay: Parser = ([delay, jitter, correlation]) => ({
  delay: seconds(delay),
  ...(jitter === undefined ? {} : { jitter: seconds(jitter) }),
  ...(correlation === undefined ? {} : { delay_correlation: percent(correlation) }),
});

const count =
  (name: string): Parser =>
  ([value]) => ({ [name]: Number(value) });

const PARSERS: Readonly<Partial<Record<Keyword, Parser>>> = {
  limit: count("limit"),
  gap: count("gap"),
  latency: delay,
  delay,
  loss,
  drop: loss,
  reorder: share("reorder"),
  corrupt: share("corrupt"),
  duplicate: share("duplicate"),
  distribution: ([name = ""]) =>
    name === "normal" || name === "uniform" ? { distribution: name } : `distribution ${name}`,
  rate: ([rate, overhead]) =>
    overhead !== undefined
      ? "rate with PACKETOVERHEAD"
      : (rate?.endsWith("%") ?? false)
        ? "rate in percent"
        : { rate: bytesPerSecond(rate) },
};

function percent(text = "0"): number {
  return parseFloat(text) / 100;
}

/** tc's units; a bare number is microseconds. */
function seconds(text = "0"): number {
  const unit = /[a-z]*$/i.exec(text)?.[0].toLowerCase() ?? "";
  const perSecond = unit.startsWith("ms")
    ? 1e3
    : unit.startsWith("n")
      ? 1e9
      : unit.startsWith("s")
        ? 1
        : 1e6;
  return parseFloat(text) / perSecond;
}

/** tc's units: bits per second, or bytes with "bps"; k and M are 1000, Ki and Mi 1024. */
function bytesPerSecond(text = "0"): number {
  const unit = /[a-z]*$/i.exec(text)?.[0].toLowerCase() ?? "";
  const [, scale = "", binary = "", kind = "bit"] = /^([kmgt]?)(i?)(bit|bps)?$/.exec(unit) ?? [];
  const base = binary === "" ? 1000 : 1024;
  const bits = parseFloat(text) * base ** ["", "k", "m", "g", "t"].indexOf(scale);
  return kind === "bps" ? bits : bits / 8;
}

/** The input of shape.pl; an empty line ends it. */
export function netemLines(rules: NetemRules, words: string): string {
  const lines = Object.entries({ words, ...rules }).map(([name, value]) => `${name} ${value}\n`);
  return `${lines.join("")}\n`;
}
