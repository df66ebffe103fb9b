import { type Command, Option } from "commander";
import { ARCHITECTURE_NAMES } from "../config/config.js";
import { KdockError } from "../core/errors.js";

/** For commander: a flag that may be repeated. */
export const list = (value: string, before: string[] | undefined) => [...(before ?? []), value];

export function addBuildFlags(command: Command): Command {
  return command
    .option(
      "--kernel <source>",
      "6.12, 6.12.30, debian:6.1, git:URL#REF or ./linux (kernel.source)",
    )
    .addOption(
      new Option(
        "--arch <name>",
        "architecture; the one built last unless given (kernel.arch)",
      ).choices(ARCHITECTURE_NAMES),
    )
    .option("--preset <name>", "debug, defconfig, tiny, host or file:PATH (kernel.preset)")
    .option("--fragment <file>", "kconfig fragment; may be repeated (kernel.fragments)", list)
    .option("--set <option=value>", "one kernel option; may be repeated (kernel.set)", list)
    .option(
      "--deoptimize <file>",
      "C file of the source to compile for stepping; may be repeated (kernel.deoptimize)",
      list,
    )
    .option("--toolchain <name>", "auto, gcc-N or clang-N (kernel.toolchain)")
    .option("-j, --jobs <n>", "how many compilers at once (kernel.jobs)")
    .option("--busybox <source>", "busybox source, like release:1.37.0 (busybox.source)")
    .option("--overlay <folder>", "folder merged over the guest's root (rootfs.overlay)")
    .option(
      "--init-script <file>",
      "script that the guest runs at boot; may be repeated (rootfs.init)",
      list,
    )
    .option("--strict-init", "an init script that fails ends the boot (rootfs.strict)");
}

export function addVmFlags(command: Command): Command {
  return command
    .option("--cpus <n>", "virtual processors (vm.cpus)")
    .option("--cpu <model>", "QEMU's name for a processor[,+feature][,-feature] (vm.cpu)")
    .option("--numa <nodes>", "NUMA nodes that share processors and memory (vm.numa)")
    .option(
      "--disk <file|size>",
      "raw or qcow2 image[:ro], or an empty disk like 1G; may be repeated (vm.disks)",
      list,
    )
    .option("-m, --memory <size>", "memory, like 512M (vm.memory)")
    .option("--append <text>", "added to the kernel command line (vm.append)")
    .addOption(
      new Option("--accel <name>", "accelerator (vm.accel)").choices(["auto", "kvm", "tcg"]),
    )
    .option("--require-kvm", "fail rather than emulate: --accel kvm")
    .addOption(
      new Option("--privilege <name>", "of the VM's container (vm.privilege)").choices([
        "privileged",
        "least",
      ]),
    )
    .addOption(new Option("--nic <name>", "network card (vm.nic)").choices(["virtio", "e1000"]))
    .addOption(
      new Option(
        "--net <mode>",
        "bridge in the VM's container, bridge on the host, QEMU's own network, or no card (vm.net.mode)",
      ).choices(["bridge", "host", "user", "none"]),
    )
    .option("--subnet <cidr>", "the guest's network, or auto (vm.net.subnet)")
    .option("--ipv6 <cidr>", "the guest's IPv6 network, a /64 (vm.net.ipv6)")
    .option("--no-ipv6", "no IPv6 network for the guest")
    .option("-p, --publish <ports>", "host:guest[/udp]; may be repeated (vm.ports)", list)
    .option(
      "--share <folder[:/mountpoint][:rw]>",
      "a host folder in the guest, on /mnt/NAME unless given, read-only unless rw; may be repeated (vm.shares)",
      list,
    )
    .option("--qemu-arg <argument>", "one more argument for QEMU; may be repeated (vm.qemu)", list)
    .option(
      "--gdb <[address:]port>",
      "where gdbserver is published; 0 picks a free port (gdb.listen)",
    )
    .option("--no-gdb", "no gdbserver");
}

export interface BootTimeoutFlag {
  readonly bootTimeout: string;
}

export function bootTimeoutOption(help = "how long the guest may take until it is ready"): Option {
  return new Option("--boot-timeout <seconds>", help).default("300");
}

export function bootTimeoutOf({ bootTimeout }: BootTimeoutFlag): number {
  return secondsOf("--boot-timeout", bootTimeout);
}

/** Of `kdock debug` and `kdock trap`: a guest that is stopped at boot cannot run a command. */
export function refuseExecAtBoot({ boot, exec }: { boot?: boolean; exec?: string }): void {
  if (boot !== true || exec === undefined) return;
  throw new KdockError("usage", "--exec needs a guest that has booted, and --boot stops before", {
    hint: "Leave one of them out.",
  });
}

/** The value of a flag in seconds. Throws a `usage` error unless it is more than 0. */
export function secondsOf(flag: string, text: string): number {
  return positive(flag, text, "a number of seconds");
}

/** The value of a flag that counts. Throws a `usage` error unless it is a whole number from 1. */
export function countOf(flag: string, text: string): number {
  const what = "a whole number from 1";
  const count = positive(flag, text, what);
  if (!Number.isInteger(count)) throw notA(flag, text, what);
  return count;
}

function positive(flag: string, text: string, what: string): number {
  const number = Number(text);
  if (!Number.isFinite(number) || number <= 0) throw notA(flag, text, what);
  return number;
}

function notA(flag: string, text: string, what: string): KdockError {
  return new KdockError("usage", `${flag}: ${text} is not ${what}`);
}
