import { type Command, Option } from "commander";
import { type ConfigKey, configKeys } from "../config/keys.js";
import { flagText } from "../config/key-flags.js";
import type { Flag } from "../config/row.js";
import { list } from "./flags.js";

/** Flags of keys that decide what is built. */
export function addBuildFlags(command: Command): Command {
  return addFlags(command, ["kernel", "busybox", "rootfs"]);
}

/** Flags of keys that decide how a VM is started. */
export function addVmFlags(command: Command): Command {
  return addFlags(command, ["vm", "gdb"]);
}

/** The flags of the keys that this command alone has: see `Flag.only`. */
export function addOwnFlags(command: Command): Command {
  return added(
    command,
    optionsOf((_, { only }) => only === command.name()),
  );
}

function addFlags(command: Command, sections: readonly string[]): Command {
  return added(
    command,
    optionsOf(
      ({ path: [section = ""] }, { only }) => only === undefined && sections.includes(section),
    ),
  );
}

function added(command: Command, options: readonly Option[]): Command {
  for (const option of options) command.addOption(option);
  return command;
}

function optionsOf(isMeant: (key: ConfigKey, flag: Flag) => boolean): Option[] {
  const found = configKeys().flatMap((key) =>
    key.flags.filter((flag) => isMeant(key, flag)).map((flag) => ({ key, flag })),
  );
  return inOrderOfHelp(found).map(({ key, flag }) => optionOf(key, flag));
}

interface Found {
  readonly key: ConfigKey;
  readonly flag: Flag;
}

function inOrderOfHelp(found: readonly Found[]): readonly Found[] {
  const moved = found.filter(({ flag }) => flag.after !== undefined);
  return moved.reduce<readonly Found[]>(
    (order, each) => {
      const at = order.findIndex(({ flag }) => flag.name === each.flag.after) + 1;
      return [...order.slice(0, at), each, ...order.slice(at)];
    },
    found.filter(({ flag }) => flag.after === undefined),
  );
}

function optionOf(key: ConfigKey, flag: Flag): Option {
  const { short, value } = flag;
  const text = `${short === undefined ? "" : `-${short}, `}${flagText(flag)}`;
  const option = new Option(value === undefined ? text : `${text} ${value}`, helpOf(key, flag));
  if (key.kind === "list" || key.kind === "map") option.argParser(list);
  else if (flag.value !== undefined && key.choices !== undefined) option.choices(key.choices);
  return option;
}

/** A flag that stands for one value says that itself; a command that reads a flag does so in its own way. */
function helpOf({ name, kind }: ConfigKey, { help, sets, isKey }: Flag): string {
  if (sets !== undefined) return help;
  const repeats = (kind === "list" || kind === "map") && isKey !== false;
  return `${help}${repeats ? "; may be repeated" : ""} (${name})`;
}
