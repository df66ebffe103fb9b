import { Command } from "commander";
import type { App } from "../app.js";
import { addBuildFlags, type KeyFlags } from "./flags.js";

export function upCommand(app: App): Command {
  const command = new Command("up")
    .description("boot the VMs of kdock.yaml (vms), all together, in the background")
    .argument("[names...]", "only these")
    .option("--boot-timeout <seconds>", "how long each guest may take until it is ready", "300");
  return addBuildFlags(command).action(
    (names: string[], flags: KeyFlags & { readonly bootTimeout: string }) =>
      app.up(names, flags.bootTimeout, flags),
  );
}

export function downCommand(app: App): Command {
  return new Command("down")
    .description("end all VMs of the project; their console logs are kept in .kdock/logs")
    .action(() => app.down());
}
