import { z } from "zod";
import { EVENT_PREFIX } from "../../core/plan/build-log.js";

const Event = z.discriminatedUnion("event", [
  /** The container accepts the dump. */
  z.object({ event: z.literal("listening") }),
  /** The dump has been stored. The texts come from its VMCOREINFO; "" where that lacks them. */
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

/** A dump in the volume. */
export type Core = Extract<CoreEvent, { event: "core" }>;

/** The event in an output line of images/gdb/kdock/core.py; undefined for other lines. Throws for an unknown event. */
export function readCoreLine(line: string): CoreEvent | undefined {
  if (!line.startsWith(EVENT_PREFIX)) return undefined;
  return Event.parse(JSON.parse(line.slice(EVENT_PREFIX.length)));
}

/** drgn needs the types, and VMCOREINFO in the dump: the kernel passes its address to QEMU over fw_cfg. One option of each list is enough. */
const REQUIRED_OPTIONS = [
  ["CONFIG_DEBUG_INFO"],
  ["CONFIG_FW_CFG_SYSFS"],
  ["CONFIG_VMCORE_INFO", "CONFIG_CRASH_CORE"],
];

/** The option that selects one without a prompt. */
const SELECTED_BY: Readonly<Record<string, string>> = { CONFIG_VMCORE_INFO: "CONFIG_PROC_KCORE" };

/** The options that a final .config lacks (as =y) for drgn to read a dump. */
export function missingForDump(config: string): string[] {
  const isSet = (option: string) => config.includes(`\n${option}=y\n`);
  return REQUIRED_OPTIONS.filter((options) => !options.some(isSet)).map(
    ([option = ""]) => SELECTED_BY[option] ?? option,
  );
}
