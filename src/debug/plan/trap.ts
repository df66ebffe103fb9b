import { EVENT_PREFIX } from "../../core/plan/build-log.js";
import { z } from "zod";

/**
 * What is to be trapped: images/gdb/kdock/request.py reads it as JSON from the environment variable TRAP_VARIABLE. Paths
 * are those inside the container that gdb runs in.
 */
export interface TrapRequest {
  readonly vmlinux: string;
  /** "127.0.0.1:1234" */
  readonly target: string;
  /** Functions, file.c:line, file.c:function, function+offset or *address. */
  readonly stops: readonly string[];
  readonly condition: string | null;
  readonly bt: boolean;
  readonly args: boolean;
  readonly locals: boolean;
  /** Expressions; "/x skb->len" is in hexadecimal. */
  readonly print: readonly string[];
  readonly count: number;
  /** Seconds from "armed" on. */
  readonly timeout: number;
  /** A folder with the .ko files, with their symbols. */
  readonly modules: string | null;
  readonly systemMap: string | null;
  /** The kernel's release, 6.12.117. */
  readonly release: string;
  /** Hardware breakpoints, which KVM wants before the kernel has mapped itself; taken then in any case. */
  readonly hardware: boolean;
  readonly substitutePath: readonly [from: string, to: string] | null;
}

export const TRAP_VARIABLE = "KDOCK_TRAP";

/** How gdb ends; on every one of them the guest runs on. */
export const TRAP_EXIT = {
  hit: 0,
  notHit: 1,
  usage: 64,
  stale: 65,
  target: 66,
  bug: 70,
  interrupted: 130,
} as const;

const Named = z.object({ name: z.string(), value: z.string() });

const Place = z.object({
  function: z.string().nullable(),
  file: z.string().nullable(),
  line: z.number().int().nullable(),
});

const Location = Place.extend({
  address: z.string(),
  /** The function that has a copy of this one in it. */
  inlinedInto: z.string().nullable(),
});

const Stop = z.object({
  asked: z.string(),
  /** What it is called in this kernel. */
  name: z.string(),
  /** A word on whatever is not as it was asked; "" where all is. */
  note: z.string(),
  locations: z.array(Location),
});

const Frame = Place.extend({ level: z.number().int(), args: z.array(Named) });

/** From here on the guest runs and is waited for. */
const Armed = z.object({
  event: z.literal("armed"),
  /** Whether it is proved that this vmlinux is of the kernel that runs; before it is mapped nobody can tell. */
  checked: z.boolean(),
  reason: z.string(),
  hardware: z.boolean(),
  stops: z.array(Stop),
});

const Hit = Place.extend({
  event: z.literal("hit"),
  number: z.number().int(),
  /** As it was asked for. */
  stop: z.string(),
  cpu: z.number().int(),
  args: z.array(Named),
  locals: z.array(Named),
  prints: z.array(
    z.union([
      z.object({ expression: z.string(), value: z.string() }),
      z.object({ expression: z.string(), error: z.string() }),
    ]),
  ),
  backtrace: z.array(Frame),
  /** How long the guest stood still for this. */
  stoppedMs: z.number(),
});

/** The guest's kernel panicked meanwhile; an error "panicked" follows. */
const Panic = z.object({
  event: z.literal("panic"),
  /** As the kernel puts it. */
  reason: z.string(),
  backtrace: z.array(Frame),
});

const End = z.object({
  event: z.literal("end"),
  /** "unreachable": no stop is left that could still be hit. */
  reason: z.enum(["count", "timeout", "interrupted", "unreachable"]),
  hits: z.number().int(),
  /** One for each stop that was never hit. */
  why: z.array(z.object({ stop: z.string(), text: z.string() })),
});

/** Several of them where several things are wrong with a request; the guest was not touched then. */
export const FailedEvent = z.object({
  event: z.literal("error"),
  kind: z.enum([
    "unknown-function",
    "bad-expression",
    "bad-condition",
    "bad-vmlinux",
    "stale-vmlinux",
    "boot-only",
    "no-target",
    "busy-target",
    "target-lost",
    "panicked",
    "bad-request",
    "bug",
  ]),
  message: z.string(),
  /** What may have been meant, best first. */
  near: z.array(z.string()),
});

const Event = z.discriminatedUnion("event", [Armed, Hit, Panic, End, FailedEvent]);

export type TrapEvent = z.infer<typeof Event>;

/** How a line begins that is meant for kdock, among those that gdb prints by itself. */

/** The event in a line that gdb printed; undefined for gdb's own words. Throws for an event that this cannot be. */
export function readTrapLine(line: string): TrapEvent | undefined {
  if (!line.startsWith(EVENT_PREFIX)) return undefined;
  return Event.parse(JSON.parse(line.slice(EVENT_PREFIX.length)));
}
