import { KdockError } from "../../core/errors.js";
import type { ArchitectureRow } from "../../core/plan/architectures.js";
import { builtInWords } from "./guest-start.js";
import { missingOptions } from "./guest-needs.js";

/** These have the kernel take its own command line in the place of the one that it is given. */
const OWN_COMMAND_LINE = ["CONFIG_CMDLINE_OVERRIDE", "CONFIG_CMDLINE_FORCE"];

/** Without them no guest gets to its first process; each with what it is for. */
const START: Readonly<Record<string, string>> = {
  CONFIG_BLK_DEV_INITRD: "to have a root",
  CONFIG_BINFMT_ELF: "to start programs",
};

/** The same for kdock's /init. */
const START_SCRIPT: Readonly<Record<string, string>> = {
  CONFIG_BINFMT_SCRIPT: "to start /init, which is a script",
};

/** What kdock's agent takes to be reached. */
const AGENT = [
  "CONFIG_PCI",
  "CONFIG_VIRTIO_PCI",
  "CONFIG_VIRTIO_CONSOLE",
  "CONFIG_SYSFS",
  "CONFIG_DEVTMPFS",
  "CONFIG_SIGNALFD",
];

/** What a request asks for that no guest of kdock's would boot with: throws a `config` error. */
export function checkBootRequests(
  requests: {
    /** The text of a whole configuration, on which kdock's own options go. */
    readonly preset: string;
    /** The lines that have the last word. */
    readonly user: string;
  },
  init: InitKind,
): void {
  const user = new Map(optionLines(requests.user));
  const all = new Map([...optionLines(requests.preset), ...user]);
  for (const option of OWN_COMMAND_LINE) if (all.get(option) === "y") throw ownCommandLine(option);
  for (const [option, purpose] of startNeeds(init)) {
    if (user.get(option) === "n") throw cannotStart(option, purpose);
  }
}

/** Whether the first process is another one than kdock's /init. */
type InitKind = { readonly isOwn: boolean };

function startNeeds({ isOwn }: InitKind): readonly [option: string, purpose: string][] {
  return Object.entries(isOwn ? START : { ...START, ...START_SCRIPT });
}

function optionLines(text: string): [name: string, value: string][] {
  const found = text.matchAll(/^(?:# (CONFIG_\w+) is not set|(CONFIG_\w+)=(.*?))\r?$/gm);
  return [...found].map(([, unset, name = "", value = ""]) =>
    unset === undefined ? [name, value] : [unset, "n"],
  );
}

/** What a guest will not have, by the text of its kernel's .config; for people. */
export interface BootGaps {
  /** Nothing of it is seen. */
  readonly silent: string | undefined;
  /** Why it cannot run commands. */
  readonly mute: string | undefined;
}

/** Throws a `config` error for a kernel that does not get to the guest's first process, or not with kdock's words. */
export function bootGaps(
  config: string,
  { console }: Pick<ArchitectureRow, "console">,
  init: InitKind,
): BootGaps {
  for (const option of OWN_COMMAND_LINE) {
    if (missingOptions(config, [option]).length === 0) throw ownCommandLine(option, config);
  }
  for (const [option, purpose] of startNeeds(init)) {
    if (missingOptions(config, [option]).length > 0) throw cannotStart(option, purpose);
  }
  const [driver = ""] = missingOptions(config, consoleOptions(console));
  const lacking = missingOptions(config, AGENT);
  return {
    silent:
      driver === ""
        ? undefined
        : `this kernel says nothing on ${console}: it is built without ${driver}; --set ${driver}=y (kernel.set) builds one that does`,
    mute:
      lacking.length === 0
        ? undefined
        : `this kernel is built without ${lacking.join(", ")}, which kdock's agent needs`,
  };
}

function consoleOptions(console: string): readonly string[] {
  return [
    "CONFIG_TTY",
    "CONFIG_PRINTK",
    console.startsWith("ttyAMA")
      ? "CONFIG_SERIAL_AMBA_PL011_CONSOLE"
      : "CONFIG_SERIAL_8250_CONSOLE",
  ];
}

function ownCommandLine(option: string, config = ""): KdockError {
  const words = builtInWords(config);
  return new KdockError(
    "config",
    `${option}=y: such a kernel takes ${words === "" ? "CONFIG_CMDLINE" : `its own "${words}"`} in the place of what kdock tells it: console, network, addresses for gdb`,
    {
      hint: `Build it without: --set ${option}=n; what is in CONFIG_CMDLINE is obeyed then, too, and vm.append comes after it.`,
    },
  );
}

function cannotStart(option: string, purpose: string): KdockError {
  return new KdockError("config", `the guest needs ${option}=y ${purpose}`, {
    hint: `Build a kernel that has it: --set ${option}=y (kernel.set in kdock.yaml).`,
  });
}
