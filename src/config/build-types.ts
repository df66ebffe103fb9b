import { parseSettings, type RawSetting } from "./kconfig-settings.js";
import {
  expandSource,
  NO_SOURCE_CONTEXT,
  parseSource,
  SOURCE_FORM,
  sourceFrom,
} from "./source-spec.js";
import { listOf, type ValueType } from "./types.js";
import { type KconfigSettings, type KernelPreset, PRESETS } from "./values.js";

/** Long or short; what a short one stands for depends on other keys and places: see `mergeLayers`. */
export const SOURCE: ValueType<string, string> = {
  kind: "text",
  form: SOURCE_FORM,
  typedIn: sourceFrom,
  schema: (zod) =>
    zod.string().superRefine((input, context) => {
      const parsed = parseSource(expandSource(input, NO_SOURCE_CONTEXT));
      if ("problem" in parsed) context.addIssue({ code: "custom", message: parsed.problem });
    }),
};

const PRESET_FILE = "file:";

export const PRESET: ValueType<KernelPreset, KernelPreset> = {
  kind: "text",
  form: `${PRESETS.join(", ")} or file:PATH`,
  typedIn: (text, absolute) =>
    text.startsWith(PRESET_FILE) ? PRESET_FILE + absolute(text.slice(PRESET_FILE.length)) : text,
  schema: (zod) =>
    zod.union([zod.enum(PRESETS), zod.templateLiteral([PRESET_FILE, zod.string().min(1)])]),
};

export const SETTINGS: ValueType<Readonly<Record<string, RawSetting>>, KconfigSettings> = {
  kind: "map",
  form: "a map of options",
  schema: (zod) =>
    zod
      .record(zod.string(), zod.union([zod.string(), zod.number(), zod.boolean()]))
      .transform((input, context) => {
        const parsed = parseSettings(input);
        for (const { name, problem } of parsed.problems) {
          context.issues.push({ code: "custom", message: problem, input, path: [name] });
        }
        return parsed.settings;
      }),
};

/** As make names it: from the source's top, in the one way in which a path can be written. */
const SOURCE_FILE = /^(?:[\w+-][\w.+-]*\/)*[\w+-][\w.+-]*\.c$/;

export const SOURCE_FILES = listOf("a list of C files of the source", {
  schema: (zod) =>
    zod
      .string()
      .regex(
        SOURCE_FILE,
        "expected a C file of the kernel's source, for example net/ipv4/tcp_ipv4.c",
      ),
});

export const JOBS: ValueType<number | "auto", number | "auto"> = {
  kind: "text-or-integer",
  form: "auto or a whole number from 1",
  schema: (zod) => zod.union([zod.int().positive(), zod.literal("auto")]),
};
