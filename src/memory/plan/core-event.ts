import { z } from "zod";

const Event = z.discriminatedUnion("event", [
  /** The dump may be sent from here on. */
  z.object({ event: z.literal("listening") }),
  /** What the kernel says of itself in the dump: "" where it says nothing. */
  z.object({
    event: z.literal("core"),
    bytes: z.number().int(),
    /** "6.12.117" */
    release: z.string(),
    /** In hexadecimal digits. */
    buildId: z.string(),
  }),
  z.object({
    event: z.literal("error"),
    kind: z.enum(["no-dump", "full", "broken"]),
    message: z.string(),
  }),
]);

export type CoreEvent = z.infer<typeof Event>;

/** A dump that has been taken in. */
export type Core = Extract<CoreEvent, { event: "core" }>;

const PREFIX = "@kdock ";

/** The event in a line of images/gdb/kdock/core.py; undefined for other words. Throws for an event that this cannot be. */
export function readCoreLine(line: string): CoreEvent | undefined {
  if (!line.startsWith(PREFIX)) return undefined;
  return Event.parse(JSON.parse(line.slice(PREFIX.length)));
}

/** So that the types are known, and QEMU is told where the kernel's description (VMCOREINFO) is. One of each list is enough. */
const READABLE = [
  ["CONFIG_DEBUG_INFO"],
  ["CONFIG_FW_CFG_SYSFS"],
  ["CONFIG_VMCORE_INFO", "CONFIG_CRASH_CORE"],
];

/** What turns an option on that has no prompt. */
const TURNED_ON_BY: Readonly<Record<string, string>> = { CONFIG_VMCORE_INFO: "CONFIG_PROC_KCORE" };

/** Of a final .config: the options that are to be set to y so that drgn can read a dump. */
export function missingForDump(config: string): string[] {
  const isSet = (option: string) => config.includes(`\n${option}=y\n`);
  return READABLE.filter((options) => !options.some(isSet)).map(
    ([option = ""]) => TURNED_ON_BY[option] ?? option,
  );
}
