import { z } from "zod";
import { ConfigFile } from "./schema.js";

/** How a value that comes as text is to be read. */
export type KeyKind =
  "text" | "integer" | "boolean" | "list" | "map" | "vms" | "text-or-integer" | "text-or-boolean";

export interface ConfigKey {
  readonly path: readonly string[];
  /** "vm.net.subnet" */
  readonly name: string;
  /** "KDOCK_VM_NET_SUBNET"; undefined for what is too much for a variable. */
  readonly env: string | undefined;
  readonly kind: KeyKind;
  /** What is accepted, as it follows "expected": "true or false". */
  readonly form: string;
  readonly description: string;
  /** undefined for keys that are not there unless given. */
  readonly fallback: unknown;
  readonly example: unknown;
}

export interface ConfigSection {
  readonly path: readonly string[];
  readonly description: string;
}

const Node = z.looseObject({
  // A list where a value may be of several plain types.
  type: z.union([z.string(), z.array(z.string())]).optional(),
  anyOf: z.unknown().optional(),
  title: z.string().optional(),
  description: z.string().optional(),
  default: z.unknown().optional(),
  example: z.unknown().optional(),
  properties: z.record(z.string(), z.unknown()).optional(),
  additionalProperties: z.unknown().optional(),
});
type Node = z.infer<typeof Node>;

/** For editors, and for `kdock config --schema`. */
export function jsonSchema(): unknown {
  return z.toJSONSchema(ConfigFile, { io: "input" });
}

/** Every key and every section, in the order of the schema; a section stands before its keys. */
export function configTree(): readonly (ConfigKey | ConfigSection)[] {
  return TREE;
}

export function configKeys(): readonly ConfigKey[] {
  return KEYS;
}

// Made once: it takes milliseconds, and every layer and every problem asks for it.
const TREE = below(Node.parse(jsonSchema()), []);
const KEYS = TREE.filter((node) => "kind" in node);

function below(node: Node, path: readonly string[]): (ConfigKey | ConfigSection)[] {
  return Object.entries(node.properties ?? {}).flatMap(([name, raw]) => {
    const child = Node.parse(raw);
    const childPath = [...path, name];
    if (child.properties === undefined) return [configKey(child, childPath)];
    const section = { path: childPath, description: child.description ?? "" };
    return [section, ...below(child, childPath)];
  });
}

function configKey(node: Node, path: readonly string[]): ConfigKey {
  const kind = kindOf(node);
  return {
    path,
    name: path.join("."),
    env: kind === "vms" ? undefined : `KDOCK_${path.join("_").toUpperCase()}`,
    kind,
    form: node.title ?? "",
    description: node.description ?? "",
    fallback: node.default,
    example: node.example,
  };
}

function kindOf({ type, anyOf, additionalProperties }: Node): KeyKind {
  if (Array.isArray(type) && type.includes("boolean")) return "text-or-boolean";
  if (anyOf !== undefined) return "text-or-integer";
  switch (type) {
    case "integer":
    case "boolean":
      return type;
    case "array":
      return "list";
    case "object":
      return isSection(additionalProperties) ? "vms" : "map";
    default:
      return "text";
  }
}

/** A map of sections, rather than of single values. */
function isSection(node: unknown): boolean {
  return Node.safeParse(node).data?.properties !== undefined;
}
