import { bounds, toText } from "../../config/ipv4.js";
import { KdockError } from "../../core/errors.js";

/** The article's, and everybody's unless it clashes with something. */
export const DEFAULT_SUBNET = "10.0.3.0/24";

/** Addresses that are somebody's already. */
export interface TakenRange {
  /** "172.18.0.0/16" */
  readonly subnet: string;
  /** As an error names it: "the Docker network bridge". */
  readonly owner: string;
}

/** What a configuration's `vm.net.subnet` stands for where nothing is known of the machine. */
export function usualSubnet(named: string): string {
  return named === "auto" ? DEFAULT_SUBNET : named;
}

/**
 * The guests' network: the named one, else the article's if nobody has it, else the first of a fixed row that nobody has.
 * Throws an `environment` error that names the owner when the named one is taken.
 */
export function chooseSubnet(named: string, taken: readonly TakenRange[]): string {
  if (named !== "auto") {
    const owner = clashWith(named, taken);
    if (owner === undefined) return named;
    throw new KdockError(
      "environment",
      `vm.net.subnet: ${named} clashes with ${owner.owner} (${owner.subnet})`,
      { hint: "Name another network, or none: kdock then finds one that is free." },
    );
  }
  for (const candidate of candidates()) {
    if (clashWith(candidate, taken) === undefined) return candidate;
  }
  throw new KdockError("environment", "no network is free for the guests", {
    hint: "Name one with vm.net.subnet that this machine does not have to reach.",
  });
}

export function clashWith(subnet: string, taken: readonly TakenRange[]): TakenRange | undefined {
  return taken.find((range) => overlap(subnet, range.subnet));
}

/** Near the article's first, then in the other private ranges; always in the same order, so that a lab keeps its own. */
function* candidates(): Generator<string> {
  yield DEFAULT_SUBNET;
  for (let third = 4; third < 255; third += 1) yield `10.0.${third}.0/24`;
  for (let third = 100; third < 255; third += 1) yield `192.168.${third}.0/24`;
  for (let second = 31; second >= 16; second -= 1) {
    for (let third = 0; third < 256; third += 1) yield `172.${second}.${third}.0/24`;
  }
}

function overlap(one: string, other: string): boolean {
  const [first, last] = bounds(one);
  const [otherFirst, otherLast] = bounds(other);
  return first <= otherLast && otherFirst <= last;
}

/** Routes this short stand for everything else: a VPN splits the default route in two. */
const MIN_PREFIX = 2;

/** The networks that a Linux machine has routes to, as /proc/net/route has them; its default routes are no such. */
export function routedRanges(table: string): readonly TakenRange[] {
  return table.split("\n").flatMap((line) => {
    const [link = "", destination = "", , , , , , mask = ""] = line.trim().split(/\s+/);
    if (!/^[0-9A-F]{8}$/i.test(destination) || !/^[0-9A-F]{8}$/i.test(mask)) return [];
    const prefix = fromHex(mask).toString(2).replaceAll("0", "").length;
    if (prefix < MIN_PREFIX) return [];
    const subnet = `${toText(fromHex(destination))}/${prefix}`;
    return [{ subnet, owner: `this machine's route on ${link}` }];
  });
}

/** "0003000A" is 10.0.3.0: bytes in the order of a small-endian machine. */
function fromHex(text: string): number {
  return (text.match(/../g) ?? []).reduceRight((sum, byte) => sum * 256 + parseInt(byte, 16), 0);
}
