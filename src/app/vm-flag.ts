import { type Command, Option } from "commander";
import { KdockError } from "../core/errors.js";
import { list } from "./flags.js";

/** The one way to name a VM, in every command that is about one. */
export interface VmFlag {
  readonly vm?: string;
}

export interface VmsFlag {
  readonly vm?: string[];
}

export function vmOption(help = "which VM, when there are several"): Option {
  return new Option("--vm <name>", help);
}

/** For a command that takes several. */
export function vmsOption(): Option {
  return new Option("--vm <name>", "only this VM; may be repeated").argParser(list);
}

/** A VM's name as the last positional, which is accepted and not in --help. */
export function addHiddenVm(command: Command): Command {
  return command.argument("[vm]").configureHelp({
    visibleArguments: ({ registeredArguments }) =>
      registeredArguments.filter(({ description }) => description !== ""),
  });
}

/**
 * The VM that --vm and a positional name; undefined where neither does, which means the only one. Throws a `usage` error
 * where they name different ones.
 */
export function vmOf({ vm }: VmFlag, positional?: string): string | undefined {
  if (vm === undefined || positional === undefined) return required(vm ?? positional);
  if (vm !== positional) throw differ(vm, positional);
  return required(vm);
}

/** The VMs that --vm and positionals name; none where neither does. Throws as `vmOf` does. */
export function vmsOf({ vm = [] }: VmsFlag, positionals: readonly string[]): readonly string[] {
  if (vm.length === 0) return positionals.map(required);
  const listed = (names: readonly string[]) => [...new Set(names)].sort().join(", ");
  const [flags, others] = [listed(vm), listed(positionals)];
  if (positionals.length > 0 && flags !== others) throw differ(flags, others);
  return vm.map(required);
}

function differ(vm: string, positional: string): KdockError {
  return new KdockError("usage", `two VMs are named: ${vm} (with --vm) and ${positional}`, {
    hint: "Name the one that is meant, once: --vm NAME.",
  });
}

function required<T extends string | undefined>(name: T): T {
  if (name === "") throw new KdockError("usage", "the name of the VM is empty");
  return name;
}
