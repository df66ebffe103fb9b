import type { Parsed } from "./addresses.js";
import type { KconfigSettings } from "./values.js";

export type RawSetting = string | number | boolean;

export interface SettingProblem {
  readonly name: string;
  readonly problem: string;
}

/** The settings as a .config spells them, and everything that is wrong with them. */
export function parseSettings(raw: Readonly<Record<string, RawSetting>>): {
  readonly settings: KconfigSettings;
  readonly problems: readonly SettingProblem[];
} {
  const settings: Record<`CONFIG_${string}`, string> = {};
  const problems: SettingProblem[] = [];
  for (const [name, value] of Object.entries(raw)) {
    const full = optionName(name);
    const parsed = full in settings ? { problem: `${full} is given twice` } : parse(name, value);
    if ("problem" in parsed) problems.push({ name, problem: parsed.problem });
    else settings[full] = parsed.value;
  }
  return { settings, problems };
}

export function optionName(name: string): `CONFIG_${string}` {
  return `CONFIG_${name.replace(/^CONFIG_/, "")}`;
}

function parse(name: string, value: RawSetting): Parsed<string> {
  if (!/^\w+$/.test(name)) return { problem: "an option's name has letters, digits and _ only" };
  if (typeof value === "boolean") return { value: value ? "y" : "n" };
  return settingText(String(value));
}

function settingText(text: string): Parsed<string> {
  // "0x10" and "16" are not the same to an option of type hex, so numbers keep their spelling.
  if (/^(?:[ymn]|-?\d+|0[xX][\da-fA-F]+)$/.test(text)) return { value: text };
  if (/^(?:yes|no|on|off)$/i.test(text)) {
    return { problem: `write y or n, or '"${text}"' for the text, got ${text}` };
  }
  // eslint-disable-next-line no-control-regex -- a .config is made of lines
  if (/[\u0000-\u001f]/.test(text)) return { problem: "must be one line without tabs" };
  if (/^"(?:[^"\\]|\\.)*"$/.test(text)) return { value: text };
  return { value: `"${text.replace(/["\\]/g, "\\$&")}"` };
}
