import type { Flag, Row, Rows } from "./row.js";
import { ROWS } from "./rows/rows.js";
import type { KeyKind, ValueType } from "./types.js";

/** A row of the table with its place in the file. */
export interface ConfigKey {
  readonly path: readonly string[];
  /** "vm.net.subnet" */
  readonly name: string;
  /** "KDOCK_VM_NET_SUBNET"; undefined for what is too much for a variable. */
  readonly env: string | undefined;
  readonly kind: KeyKind;
  /** What is accepted, as it follows "expected": "true or false". */
  readonly form: string;
  readonly choices: readonly string[] | undefined;
  readonly description: string;
  /** undefined for keys that are not there unless given. */
  readonly fallback: unknown;
  readonly example: unknown;
  /** The key's own first, then those that stand for one value of it. */
  readonly flags: readonly Flag[];
  readonly typedIn: ValueType["typedIn"];
  readonly inCompose: boolean;
  readonly inArtifact: boolean;
}

export interface ConfigSection {
  readonly path: readonly string[];
  readonly description: string;
}

/** Every key and every section, in the order of the table; a section stands before its keys. */
export function configTree(): readonly (ConfigKey | ConfigSection)[] {
  return TREE;
}

export function configKeys(): readonly ConfigKey[] {
  return KEYS;
}

/** "vm.cpus" → "KDOCK_VM_CPUS", for compose.yaml. The key's row must say that it is read there. */
export function composeVariable(name: string): string {
  const key = KEYS.find((each) => each.name === name);
  if (key?.env === undefined || !key.inCompose)
    throw new Error(`${name} is no key of compose.yaml`);
  return key.env;
}

const TREE = below(ROWS, []);
const KEYS = TREE.filter((node) => "kind" in node);

function below(rows: Rows, path: readonly string[]): (ConfigKey | ConfigSection)[] {
  return Object.entries(rows).flatMap(([name, node]) => {
    const inner = [...path, name];
    if (!("rows" in node)) return [configKey(node, inner)];
    return [{ path: inner, description: node.help }, ...below(node.rows, inner)];
  });
}

function configKey(row: Row, path: readonly string[]): ConfigKey {
  const { kind, form, choices, typedIn } = row.type;
  return {
    path,
    name: path.join("."),
    env: kind === "vms" ? undefined : `KDOCK_${path.join("_").toUpperCase()}`,
    ...{ kind, form, choices, typedIn },
    description: row.help,
    fallback: row.default,
    example: row.example,
    flags: [...(row.flag === undefined ? [] : [row.flag]), ...row.shortcuts],
    inCompose: row.compose,
    inArtifact: row.inArtifact,
  };
}
