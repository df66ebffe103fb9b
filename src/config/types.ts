import { choicesText } from "./choices.js";
import type { z } from "zod";
import type { Parsed } from "./addresses.js";
import { noPassword } from "./no-password.js";

/** How a value that comes as text is to be read. */
export type KeyKind =
  "text" | "integer" | "boolean" | "list" | "map" | "vms" | "text-or-integer" | "text-or-boolean";

/** Handed in, because it is slow to load: --help and `kdock exec` work without. */
export type Zod = typeof z;

/** What a key accepts, and what it becomes. */
export interface ValueType<In = unknown, Out = unknown> {
  readonly kind: KeyKind;
  /** As it follows "expected": "true or false". */
  readonly form: string;
  /** Of a key that is one of a few words. */
  readonly choices?: readonly string[];
  /** Of a key that names files: a value of the command line with its paths made absolute. */
  readonly typedIn?: ((text: string, absolute: (path: string) => string) => string) | undefined;
  readonly schema: (zod: Zod) => z.ZodType<Out, In>;
}

export const TRUE_OR_FALSE: ValueType<boolean, boolean> = {
  kind: "boolean",
  form: "true or false",
  schema: (zod) => zod.boolean(),
};

export function integer(min: number, max: number): ValueType<number, number> {
  return {
    kind: "integer",
    form: `a whole number from ${min} to ${max}`,
    schema: (zod) => zod.int().min(min).max(max),
  };
}

export function choice<const C extends readonly string[]>(
  choices: C,
): ValueType<C[number], C[number]> {
  return { kind: "text", form: choicesText(choices), choices, schema: (zod) => zod.enum(choices) };
}

/** A text of this form. `problem` follows the key's name where it is not. */
export function pattern(form: string, regex: RegExp, problem: string): ValueType<string, string> {
  return { kind: "text", form, schema: (zod) => zod.string().regex(regex, problem) };
}

/** A text that becomes something else, or is refused for the reason that `parse` gives. */
export function parsedText<Out>(
  form: string,
  parse: (text: string) => Parsed<Out>,
): ValueType<string, Out> {
  return { kind: "text", form, schema: (zod) => zod.string().transform(parsed(zod, parse)) };
}

/** The same where YAML may read a text as a number. */
export function parsedTextOrInteger<Out>(
  form: string,
  parse: (text: string) => Parsed<Out>,
): ValueType<string | number, Out> {
  return {
    kind: "text-or-integer",
    form,
    schema: (zod) =>
      zod
        .union([zod.string(), zod.int()])
        .transform(String)
        .pipe(zod.string().transform(parsed(zod, parse))),
  };
}

export function listOf<In, Out>(
  form: string,
  item: Pick<ValueType<In, Out>, "schema" | "typedIn">,
): ValueType<readonly In[], readonly Out[]> {
  const { schema, typedIn } = item;
  return { kind: "list", form, typedIn, schema: (zod) => zod.array(schema(zod)) };
}

const NOT_EMPTY = { schema: (zod: Zod) => zod.string().min(1) };

/** Relative to the folder of kdock.yaml, or absolute. */
export const PATH: ValueType<string, string> = {
  ...{ kind: "text", form: "a path" },
  ...NOT_EMPTY,
  typedIn: (path, absolute) => (path === "" ? path : absolute(path)),
};

export const PATHS = listOf("a list of paths", PATH);

export function words(form: string): ValueType<readonly string[], readonly string[]> {
  return listOf(form, NOT_EMPTY);
}

export const HTTP_URL: ValueType<string, string> = {
  kind: "text",
  form: "a URL",
  schema: (zod) =>
    zod.url({ protocol: /^https?$/, error: "expected a http or https URL" }).check(noPassword),
};

export const HTTP_URLS = listOf("a list of URLs", HTTP_URL);

/** For `transform`. */
export function parsed<In, Out>(zod: Zod, parse: (input: In) => Parsed<Out>) {
  return (input: In, context: z.RefinementCtx<In>): Out => {
    const result = parse(input);
    if ("value" in result) return result.value;
    context.issues.push({ code: "custom", message: result.problem, input });
    return zod.NEVER;
  };
}
