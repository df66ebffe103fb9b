import { Command } from "commander";
import type { App } from "../app.js";

export function diffCommand(app: App): Command {
  return new Command("diff")
    .description("say in what two builds differ: inputs, options, files; exits with 1 if they do")
    .argument("<key1>", "of a stage or of a set, the first 4 digits or more; or current")
    .argument("<key2>")
    .action((one: string, two: string) => app.diff(one, two));
}
