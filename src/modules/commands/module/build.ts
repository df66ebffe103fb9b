import { Command, Option } from "commander";
import type { Kdock } from "../../../app/kdock.js";
import type { KeyFlags } from "../../../config/key-flags.js";
import {
  type BootTimeoutFlag,
  bootTimeoutOf,
  bootTimeoutOption,
  list,
} from "../../../app/flags.js";
import { addBuildFlags } from "../../../app/key-options.js";
import { type VmFlag, vmOf, vmOption } from "../../../app/vm-flag.js";
import { vmWords } from "../../../core/vm-words.js";

interface BuildFlags extends KeyFlags, BootTimeoutFlag, VmFlag {
  readonly name?: string;
  /** A VM name is the older spelling of `--load --vm NAME`. */
  readonly load?: string | true;
  /** "NAME=value" */
  readonly make: readonly string[];
}

const EXAMPLES = `
The folder has a Kbuild or Makefile for the kernel's build system; a Makefile that calls \`make -C KERNEL M=$(PWD)\` is run as it
is, and gets this kernel wherever it looks for one. For a hello.c one line in a file Kbuild is enough:

  obj-m := hello.o

The folder is only read: the modules are in .kdock/out/module/NAME, unstripped, where gdb finds their symbols.

Examples:
  kdock module build ./hello                 against the kernel of kdock.yaml, which is built first if need be
  kdock module build ./hello --make DEBUG=1  as \`make DEBUG=1\`
  kdock module build ./hello --load          the same for the running VM, then insmod; an older version is removed first
  kdock module build ./hello --vm server     against the kernel that the VM server runs
  kdock trap hello_ioctl --locals            stops in it, also before it is loaded`;

export function define(kdock: Kdock): Command {
  const command = new Command("build")
    .description("build an out-of-tree module against the kernel")
    .argument("<folder>", "with Kbuild or Makefile; it is only read")
    .option("--name <name>", "name of the module (default: the folder's name)")
    .option("--make <NAME=value>", "a variable for make; may be repeated", list, [])
    .addOption(loadOption())
    .addOption(vmOption())
    .addOption(bootTimeoutOption());
  return addBuildFlags(command)
    .addHelpText("after", EXAMPLES)
    .action((folder: string, flags: BuildFlags) => buildModule(kdock, folder, flags));
}

/** Also accepts a VM name, the older spelling of `--load --vm NAME`; --help does not list it. */
function loadOption(): Option {
  const option = new Option(
    "--load [vm]",
    "build for the kernel of the running VM, and load the module there",
  );
  option.flags = "--load";
  return option;
}

async function buildModule(kdock: Kdock, typedFolder: string, flags: BuildFlags): Promise<void> {
  const { name, load, make } = flags;
  const vm = vmOf(flags, load === true ? undefined : load);
  const bootTimeoutSeconds = bootTimeoutOf(flags);
  const { makeFlags, makeVariables } = await import("../../plan/make-variables.js");
  const variables = makeVariables(make);
  const project = await kdock.openLocked(flags);
  const steps = await import("../../steps/build-module.js");
  const { builtText, loadedText } = await import("../../text/module-text.js");
  const folder = kdock.resolve(typedFolder);
  const shown = typedFolder.replace(/(?<=.)\/+$/, "");
  const module = await steps.buildModule(project, {
    ...{ folder, shown, name, variables },
    vm: load === undefined && vm === undefined ? undefined : { name: vm },
  });
  const print = kdock.printer("module build");
  const again = `kdock module build ${shown}${makeFlags(variables)} --load${vmWords(vm)}`;
  print.line(builtText(module));
  if (load === undefined) {
    print.result(module, [`load it: ${again}`]);
    return;
  }
  const { loadInto } = await import("./load-into.js");
  const loaded = await loadInto(kdock, project, vm, { module, again, bootTimeoutSeconds });
  print.result({ ...module, loaded }, loadedText(loaded));
}
