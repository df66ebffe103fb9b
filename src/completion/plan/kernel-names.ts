import type { Candidate } from "./wanted.js";

const PREFIX = "CONFIG_";

/** Options of a .config, with CONFIG_ where that is typed. */
export function optionNames(config: string, typed: string): Candidate[] {
  const isLong = typed.startsWith(PREFIX);
  const options = [...config.matchAll(/^(?:# )?CONFIG_(\w+)(?:=(.*)| is not set)$/gm)].map(
    ([, name = "", value = "n"]) => ({ value: `${isLong ? PREFIX : ""}${name}`, about: value }),
  );
  const matching = options.filter(({ value }) => value.startsWith(typed));
  const isBegun = typed !== "" && !isLong && PREFIX.startsWith(typed);
  return isBegun ? [...matching, { value: PREFIX, about: "" }] : matching;
}

/** "NET=", and once that is typed "NET=y" and the like. */
export function optionSettings(config: string, typed: string): Candidate[] {
  const [, name] = /^(\w+)=/.exec(typed) ?? [];
  if (name !== undefined)
    return ["y", "m", "n"].map((value) => ({ value: `${name}=${value}`, about: "" }));
  return optionNames(config, typed).map(({ value, about }) =>
    value === PREFIX ? { value, about } : { value: `${value}=`, about },
  );
}

/** A kernel has a hundred thousand symbols: below two letters there is no answer. */
const LEAST_TYPED = 2;

/** Functions of a System.map. */
export function functionNames(map: string, typed: string): Candidate[] {
  if (typed.length < LEAST_TYPED || !/^\w+$/.test(typed)) return [];
  const names = new Set<string>();
  for (const [, name = ""] of map.matchAll(new RegExp(` [tTwW] (${typed}\\w*)$`, "gm"))) {
    names.add(name);
  }
  return [...names].map((value) => ({ value, about: "" }));
}
