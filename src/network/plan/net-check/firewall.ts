import { bounds, toNumber } from "../../../config/ipv4.js";

/** The output of `iptables-save`: table → chain → policy and rules, in order. */
export type Firewall = ReadonlyMap<string, ReadonlyMap<string, Chain>>;

export interface Chain {
  /** "-" for a user-defined chain. */
  readonly policy: string;
  readonly rules: readonly Rule[];
}

export interface Rule {
  /** The line of iptables-save: "-A FORWARD -i br0 -j ACCEPT". */
  readonly text: string;
  readonly chain: string;
  readonly tests: readonly Test[];
  /** "" for a rule without a target. */
  readonly target: string;
  /** The target's options: "--to-destination 10.0.3.2:80". */
  readonly options: readonly string[];
}

interface Test {
  readonly option: string;
  readonly value: string;
  readonly isNegated: boolean;
}

/** The properties of a packet that rules match; undefined: no such interface, or any port. */
export interface Packet {
  readonly in?: string | undefined;
  readonly out?: string | undefined;
  readonly source: string;
  readonly destination: string;
  readonly protocol: "icmp" | "tcp" | "udp";
  readonly port?: number | undefined;
  readonly state: "NEW" | "ESTABLISHED";
  /** Conntrack state DNAT: the connection's destination was rewritten. */
  readonly isRedirected?: boolean;
}

/** A built-in chain on a packet's path: "filter FORWARD". */
export type Hook = readonly [table: string, chain: string];

export const FORWARDED: readonly Hook[] = [
  ["raw", "PREROUTING"],
  ["mangle", "PREROUTING"],
  ["mangle", "FORWARD"],
  ["filter", "FORWARD"],
  ["mangle", "POSTROUTING"],
];
export const ARRIVING: readonly Hook[] = [
  ["raw", "PREROUTING"],
  ["mangle", "PREROUTING"],
  ["mangle", "INPUT"],
  ["filter", "INPUT"],
];
export const LEAVING: readonly Hook[] = [
  ["raw", "OUTPUT"],
  ["mangle", "OUTPUT"],
  ["filter", "OUTPUT"],
  ["mangle", "POSTROUTING"],
];

export interface Drop {
  readonly table: string;
  readonly chain: string;
  /** undefined: dropped by the chain's policy. */
  readonly rule: Rule | undefined;
}

export function parseFirewall(saved: string): Firewall {
  const tables = new Map<string, Map<string, { policy: string; rules: Rule[] }>>();
  let table = new Map<string, { policy: string; rules: Rule[] }>();
  const begin = (name: string) => {
    table = new Map();
    tables.set(name, table);
  };
  for (const line of saved.split("\n")) {
    if (line.startsWith("*")) begin(line.slice(1).trim());
    const [, name = "", policy = ""] = /^:(\S+) (\S+)/.exec(line) ?? [];
    if (name !== "") table.set(name, { policy, rules: [] });
    if (line.startsWith("-A ")) {
      const rule = parseRule(line);
      table.get(rule.chain)?.rules.push(rule);
    }
  }
  return tables;
}

function parseRule(text: string): Rule {
  const words = text.match(/"(?:\\.|[^"])*"|\S+/g) ?? [];
  const [, chain = "", ...rest] = words;
  const tests: Test[] = [];
  let isNegated = false;
  for (let at = 0; at < rest.length; at += 1) {
    const word = rest[at] ?? "";
    if (word === "!") {
      isNegated = true;
      continue;
    }
    if (word === "-j" || word === "-g") {
      return { text, chain, tests, target: rest[at + 1] ?? "", options: rest.slice(at + 2) };
    }
    const value = rest[at + 1];
    const hasValue = value !== undefined && !value.startsWith("-") && value !== "!";
    if (word !== "-m") tests.push({ option: word, value: hasValue ? value : "", isNegated });
    if (hasValue) at += 1;
    isNegated = false;
  }
  return { text, chain, tests, target: "", options: [] };
}

/** The first rule or policy on the packet's path that drops it. Rules with unsupported matches are taken as not matching. */
export function dropOf(
  firewall: Firewall,
  hooks: readonly Hook[],
  packet: Packet,
): Drop | undefined {
  for (const [table, chain] of hooks) {
    const rule = firstMatch(firewall, table, chain, packet);
    if (rule !== undefined ? DROPS.has(rule.target) : policyDrops(firewall, table, chain)) {
      return { table, chain, rule };
    }
  }
  return undefined;
}

const DROPS: ReadonlySet<string> = new Set(["DROP", "REJECT"]);
/** Targets after which the next rule is evaluated. */
const NON_TERMINATING: ReadonlySet<string> = new Set(
  [
    "",
    "LOG",
    "NFLOG",
    "MARK",
    "CONNMARK",
    "TRACE",
    "NOTRACK",
    "CT",
    "TCPMSS",
    "TTL",
    "DSCP",
  ].concat(["TOS", "CLASSIFY", "CHECKSUM", "SET", "TEE"]),
);

function policyDrops(firewall: Firewall, table: string, chain: string): boolean {
  return firewall.get(table)?.get(chain)?.policy === "DROP";
}

/** The rule that decides about a packet; undefined if the chain's policy does. */
export function firstMatch(
  firewall: Firewall,
  table: string,
  chain: string,
  packet: Packet,
): Rule | undefined {
  const found = walk(firewall.get(table), chain, packet, 0);
  return found === "return" ? undefined : found;
}

/** Limits jumps, since chains may form a loop. */
const MAX_DEPTH = 16;

function walk(
  table: ReadonlyMap<string, Chain> | undefined,
  name: string,
  packet: Packet,
  depth: number,
): Rule | "return" | undefined {
  for (const rule of table?.get(name)?.rules ?? []) {
    if (!rule.tests.every((test) => passes(test, packet))) continue;
    if (rule.target === "RETURN") return "return";
    if (NON_TERMINATING.has(rule.target)) continue;
    if (table?.has(rule.target) === true) {
      const deeper = depth < MAX_DEPTH ? walk(table, rule.target, packet, depth + 1) : undefined;
      if (deeper !== undefined && deeper !== "return") return deeper;
    } else return rule;
  }
  return undefined;
}

/** Dropping rules with unsupported matches (a rate, a probability, an owner), whose other matches fit the packet. */
export function possibleDrops(firewall: Firewall, hooks: readonly Hook[], packet: Packet): Drop[] {
  return hooks.flatMap(([table, chain]) =>
    (firewall.get(table)?.get(chain)?.rules ?? [])
      .filter(({ target }) => DROPS.has(target))
      .filter(({ tests }) => tests.some(({ option }) => !isSupported(option)))
      .filter(({ tests }) => tests.every((t) => !isSupported(t.option) || passes(t, packet)))
      .map((rule) => ({ table, chain, rule })),
  );
}

const MATCHES: Readonly<Record<string, (value: string, packet: Packet) => boolean>> = {
  "-i": (name, packet) => isInterface(name, packet.in),
  "-o": (name, packet) => isInterface(name, packet.out),
  "-s": (network, { source }) => isIn(network, source),
  "-d": (network, { destination }) => isIn(network, destination),
  "-p": (protocol, packet) => protocol === "all" || protocol === packet.protocol,
  "--dport": (ports, { port, state }) => state === "NEW" && isPort(ports, port),
  "--dports": (ports, { port, state }) =>
    state === "NEW" && ports.split(",").some((range) => isPort(range, port)),
  "--sport": (ports, { port, state }) => state === "ESTABLISHED" && isPort(ports, port),
  "--ctstate": (states, { state, isRedirected = false }) =>
    states.split(",").some((each) => each === state || (each === "DNAT" && isRedirected)),
  "--state": (states, { state }) => states.split(",").includes(state),
  "--icmp-type": (type, { state }) =>
    type === "any" || type.split("/")[0] === (state === "NEW" ? "8" : "0"),
  "--comment": () => true,
};

function isSupported(option: string): boolean {
  return option in MATCHES;
}

/** False for an unsupported match. */
function passes({ option, value, isNegated }: Test, packet: Packet): boolean {
  const test = MATCHES[option];
  return test !== undefined && test(value, packet) !== isNegated;
}

function isInterface(wanted: string, name: string | undefined): boolean {
  if (name === undefined) return false;
  return wanted.endsWith("+") ? name.startsWith(wanted.slice(0, -1)) : name === wanted;
}

function isPort(range: string, port: number | undefined): boolean {
  const [low, high = low] = range.split(":").map(Number);
  return port !== undefined && low !== undefined && port >= low && port <= (high ?? low);
}

/** Whether an IPv4 address is in a network ("10.0.3.0/24") or equals an address ("10.0.3.2"). */
export function isIn(network: string, address: string): boolean {
  const [first, last] = bounds(network);
  const number = toNumber(address);
  return first <= number && number <= last;
}
