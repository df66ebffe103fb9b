import type { z } from "zod";
import type { Row, Rows, Values } from "./row.js";
import type { Zod } from "./types.js";

/** Checks a section, and gives every key its default. Unknown keys are errors. */
export function sectionSchema<R extends Rows>(zod: Zod, rows: R): z.ZodType<Values<R>> {
  const shape = Object.entries(rows).map(([name, node]): [string, z.ZodType] => [
    name,
    "rows" in node
      ? sectionSchema(zod, node.rows).prefault({}).meta({ description: node.help })
      : keySchema(zod, node),
  ]);
  return zod.strictObject(Object.fromEntries(shape)) as z.ZodType as z.ZodType<Values<R>>;
}

function keySchema(zod: Zod, { type, default: fallback, example, help }: Row): z.ZodType {
  const schema = type.schema(zod);
  return (fallback === undefined ? schema.optional() : schema.prefault(fallback)).meta({
    title: type.form,
    description: help,
    ...(example === undefined ? {} : { example }),
  });
}

/** What a section that says what is special about one VM may have: no key is needed, and none has a default. */
export function specialShape(zod: Zod, rows: Rows): z.ZodRawShape {
  const shape = Object.entries(rows).flatMap(([name, node]): [string, z.ZodType][] => {
    if ("rows" in node) return [[name, zod.strictObject(specialShape(zod, node.rows)).optional()]];
    return node.shared ? [] : [[name, node.type.schema(zod).optional()]];
  });
  return Object.fromEntries(shape);
}
