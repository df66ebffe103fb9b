import { Command } from "commander";
import type { App } from "../app.js";
import { addBuildFlags, addVmFlags, type KeyFlags } from "./flags.js";

export function planCommand(app: App): Command {
  const command = new Command("plan").description(
    "print what build and run would do, without doing it",
  );
  return addVmFlags(addBuildFlags(command)).action((flags: KeyFlags) => app.plan(flags));
}
