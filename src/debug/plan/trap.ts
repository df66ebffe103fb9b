import { EVENT_PREFIX } from "../../core/plan/build-log.js";
import { z } from "zod";

/**
 * A trap's stops and what to print: images/gdb/kdock/request.py reads it as JSON from the environment variable
 * TRAP_VARIABLE. Paths are inside gdb's container.
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
  /** Expressions, with an optional gdb format: "/x skb->len". */
  readonly print: readonly string[];
  readonly count: number;
  /** Seconds after "armed". */
  readonly timeout: number;
  /** A folder with unstripped .ko files. */
  readonly modules: string | null;
  readonly systemMap: string | null;
  /** The kernel's release, 6.12.117. */
  readonly release: string;
  /** Use hardware breakpoints; they are used in any case before the kernel is mapped, where KVM requires them. */
  readonly hardware: boolean;
  readonly substitutePath: readonly [from: string, to: string] | null;
}

export const TRAP_VARIABLE = "KDOCK_TRAP";

/** gdb's exit codes; the guest continues after each of them. */
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
  /** The function that contains this inlined copy. */
  inlinedInto: z.string().nullable(),
});

const Stop = z.object({
  asked: z.string(),
  /** The name in this kernel, which a rename may have changed. */
  name: z.string(),
  /** How the stop differs from what was asked; else "". */
  note: z.string(),
  locations: z.array(Location),
});

const Frame = Place.extend({ level: z.number().int(), args: z.array(Named) });

/** The guest runs, and the timeout begins. */
const Armed = z.object({
  event: z.literal("armed"),
  /** The vmlinux is verified to match the running kernel; impossible before the kernel is mapped. */
  checked: z.boolean(),
  reason: z.string(),
  hardware: z.boolean(),
  stops: z.array(Stop),
});

const Hit = Place.extend({
  event: z.literal("hit"),
  number: z.number().int(),
  /** The `asked` of the stop. */
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
  /** How long the hit stopped the guest. */
  stoppedMs: z.number(),
});

/** The guest's kernel panicked; an error "panicked" follows. */
const Panic = z.object({
  event: z.literal("panic"),
  /** The kernel's panic message. */
  reason: z.string(),
  backtrace: z.array(Frame),
});

const End = z.object({
  event: z.literal("end"),
  /** "unreachable": no remaining stop can be hit. */
  reason: z.enum(["count", "timeout", "interrupted", "unreachable"]),
  hits: z.number().int(),
  /** One for each stop that was never hit. */
  why: z.array(z.object({ stop: z.string(), text: z.string() })),
});

/** One per fault; faults of the request are reported before the guest is stopped. */
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
  /** Similar names, best first. */
  near: z.array(z.string()),
});

const Event = z.discriminatedUnion("event", [Armed, Hit, Panic, End, FailedEvent]);

export type TrapEvent = z.infer<typeof Event>;

/** The event in an output line of gdb; undefined for other lines. Throws for an unknown event. */
export function readTrapLine(line: string): TrapEvent | undefined {
  if (!line.startsWith(EVENT_PREFIX)) return undefined;
  return Event.parse(JSON.parse(line.slice(EVENT_PREFIX.length)));
}
