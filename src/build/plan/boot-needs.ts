import { KdockError } from "../../core/errors.js";
import type { ArchitectureRow } from "../../core/plan/architectures.js";
import { builtInParameters } from "./guest-start.js";
import { missingOptions } from "./guest-needs.js";

/** With these a kernel ignores the command line that it is passed. */
const OWN_COMMAND_LINE = ["CONFIG_CMDLINE_OVERRIDE", "CONFIG_CMDLINE_FORCE"];

/** Options that every guest needs to start its first process, each with its purpose. */
const START: Readonly<Record<string, string>> = {
  CONFIG_BLK_DEV_INITRD: "to have a root",
  CONFIG_BINFMT_ELF: "to start programs",
};

/** Options for kdock's /init. */
const START_SCRIPT: Readonly<Record<string, string>> = {
  CONFIG_BINFMT_SCRIPT: "to start /init, which is a script",
};

/** Options for kdock's agent. */
const AGENT = [
  "CONFIG_PCI",
  "CONFIG_VIRTIO_PCI",
  "CONFIG_VIRTIO_CONSOLE",
  "CONFIG_SYSFS",
  "CONFIG_DEVTMPFS",
  "CONFIG_SIGNALFD",
];

/** Throws a `config` error for requested options that a guest cannot boot with. */
export function checkBootRequests(
  requests: {
    /** The text of a complete configuration, which kdock's options are added to. */
    readonly preset: string;
    /** The user's options, which override all others. */
    readonly user: string;
  },
  init: InitOwner,
): void {
  const user = new Map(optionLines(requests.user));
  const all = new Map([...optionLines(requests.preset), ...user]);
  for (const option of OWN_COMMAND_LINE) if (all.get(option) === "y") throw ownCommandLine(option);
  for (const [option, purpose] of startNeeds(init)) {
    if (user.get(option) === "n") throw cannotStart(option, purpose);
  }
}

/** `isOwn`: the first process is the project's own, not kdock's /init. */
type InitOwner = { readonly isOwn: boolean };

function startNeeds({ isOwn }: InitOwner): readonly [option: string, purpose: string][] {
  return Object.entries(isOwn ? START : { ...START, ...START_SCRIPT });
}

function optionLines(text: string): [name: string, value: string][] {
  const found = text.matchAll(/^(?:# (CONFIG_\w+) is not set|(CONFIG_\w+)=(.*?))\r?$/gm);
  return [...found].map(([, unset, name = "", value = ""]) =>
    unset === undefined ? [name, value] : [unset, "n"],
  );
}

/** Missing features of a guest, by its kernel's .config, as messages. */
export interface BootGaps {
  /** Why its console has no output. */
  readonly noConsole: string | undefined;
  /** Why it cannot run commands. */
  readonly noAgent: string | undefined;
}

/** Throws a `config` error for a kernel that cannot start the first process, or ignores kdock's command line. */
export function bootGaps(
  config: string,
  { console }: Pick<ArchitectureRow, "console">,
  init: InitOwner,
): BootGaps {
  for (const option of OWN_COMMAND_LINE) {
    if (missingOptions(config, [option]).length === 0) throw ownCommandLine(option, config);
  }
  for (const [option, purpose] of startNeeds(init)) {
    if (missingOptions(config, [option]).length > 0) throw cannotStart(option, purpose);
  }
  const [driver = ""] = missingOptions(config, consoleOptions(console));
  const missing = missingOptions(config, AGENT);
  return {
    noConsole:
      driver === ""
        ? undefined
        : `this kernel has no console on ${console}: it is built without ${driver}; --set ${driver}=y (kernel.set) adds it`,
    noAgent:
      missing.length === 0
        ? undefined
        : `this kernel is built without ${missing.join(", ")}, which kdock's agent needs`,
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
  const words = builtInParameters(config);
  return new KdockError(
    "config",
    `${option}=y: the kernel uses ${words === "" ? "CONFIG_CMDLINE" : `its built-in "${words}"`} instead of kdock's command line, which sets console, network and nokaslr`,
    {
      hint: `Build it with --set ${option}=n: CONFIG_CMDLINE is then used in addition, before vm.append.`,
    },
  );
}

function cannotStart(option: string, purpose: string): KdockError {
  return new KdockError("config", `the guest needs ${option}=y ${purpose}`, {
    hint: `Build a kernel that has it: --set ${option}=y (kernel.set in kdock.yaml).`,
  });
}
