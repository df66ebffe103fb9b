import { configKeys, type ConfigKey } from "./keys.js";
import { pathText, withValue, type Layer, type Path, type RawValues } from "./layer.js";
import { rawValue } from "./raw-value.js";
import { nearest } from "./spelling.js";

const PREFIX = "KDOCK_";
/** Variables that are no keys of the configuration: kdock's own and those of its tests. */
const RESERVED = /^KDOCK_(?:DEBUG$|TRUST$|PRIVILEGED$|BASE|TEST_|REQUIRE_)/;

/** KDOCK_VM_CPUS=2 is vm.cpus; KDOCK_ variables that stand for nothing are problems. */
export function environmentLayer(env: Readonly<Record<string, string | undefined>>): Layer {
  const keys = new Map(
    configKeys().flatMap((key) => (key.env === undefined ? [] : [[key.env, key] as const])),
  );
  const problems: string[] = [];
  let values: RawValues = {};
  for (const [name, text] of Object.entries(env).sort(byName)) {
    if (text === undefined || !name.startsWith(PREFIX) || RESERVED.test(name)) continue;
    const key = keys.get(name);
    if (key === undefined) {
      problems.push(unknownVariable(name, keys.keys()));
      continue;
    }
    const parsed = rawValue(key.kind, text);
    if ("problem" in parsed) problems.push(`${variable(key)}: ${parsed.problem}`);
    else values = withValue(values, key.path, parsed.value);
  }
  return { values, problems, where: (path) => whereInEnvironment(path, [...keys.values()]) };
}

function byName([a]: [string, unknown], [b]: [string, unknown]): number {
  return a < b ? -1 : 1;
}

function unknownVariable(name: string, known: Iterable<string>): string {
  const near = nearest(name, known);
  const advice = near === undefined ? "" : `; did you mean ${near}?`;
  return `environment variable ${name}: stands for no key of the configuration${advice}`;
}

function whereInEnvironment(path: Path, keys: readonly ConfigKey[]): string {
  const key = keys.find((candidate) => candidate.path.every((part, at) => part === path[at]));
  const rest = path.slice(key?.path.length ?? 0);
  const inner = rest.length === 0 ? "" : `: ${pathText(rest)}`;
  return `${key === undefined ? "environment" : variable(key)}${inner}`;
}

function variable(key: ConfigKey): string {
  return `environment variable ${key.env ?? key.name}`;
}
