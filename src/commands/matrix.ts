import { Command } from "commander";
import type { App } from "../app.js";
import { addBuildFlags, addVmFlags, BOOT_TIMEOUT, list, type KeyFlags, withKvm } from "./flags.js";

interface MatrixFlags extends KeyFlags {
  readonly kernels?: string[];
  readonly presets?: string[];
  readonly archs?: string[];
  readonly junit?: string;
  readonly requireKvm?: boolean;
  readonly bootTimeout: string;
}

const EXAMPLE = `
Every kernel is built (what is built already is not built again), booted, and powered off when the command has ended. One that
fails does not keep the others from being tried; then the exit code is 1. What each command wrote is in .kdock/logs/matrix.

Examples:
  kdock matrix -- uname -r
  kdock matrix --kernels 6.12 --presets tiny --archs x86_64,arm64,riscv64 -- uname -m
  kdock matrix --kernels 5.10,6.1,6.12 --presets debug,tiny --junit matrix.xml -- sh -c 'ip addr; ping -c 1 10.0.3.1'`;

export function matrixCommand(app: App): Command {
  const command = new Command("matrix")
    .description("build and boot several kernels, run a command on each; one table")
    .usage("[options] -- command...")
    .argument("[command...]", "run in each guest; 0 is success")
    .option("--kernels <list>", "sources, like 5.10,6.1,6.12 (matrix.kernels)", list)
    .option("--presets <list>", "each kernel with each of them (matrix.presets)", list)
    .option("--archs <list>", "all of it for each of them (matrix.archs)", list)
    .option("--junit <file>", "write a JUnit report, for CI services")
    .option("--boot-timeout <seconds>", BOOT_TIMEOUT, "300");
  return addVmFlags(addBuildFlags(command))
    .addHelpText("after", EXAMPLE)
    .action((argv: string[], flags: MatrixFlags) => {
      const { kernels, presets, archs, junit, requireKvm, bootTimeout, ...keys } = flags;
      return app.matrix(
        {
          command: argv,
          kernels: kernels ?? [],
          presets: presets ?? [],
          archs: archs ?? [],
          junit,
          bootTimeout,
        },
        withKvm(keys, requireKvm),
      );
    });
}
