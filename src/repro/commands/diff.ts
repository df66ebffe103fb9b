import { Command } from "commander";
import type { Kdock } from "../../app/kdock.js";
import { DIFFERENT } from "../../core/errors.js";

export function define(kdock: Kdock): Command {
  return new Command("diff")
    .description("say in what two builds differ: inputs, options, files; exits with 1 if they do")
    .argument("<key1>", "of a stage or of a set, the first 4 digits or more; or current")
    .argument("<key2>")
    .action(async (one: string, two: string) => {
      const { ctx } = await kdock.open();
      const { diffArtifacts } = await import("../steps/diff.js");
      const { diffText } = await import("../text/diff-text.js");
      const diff = await diffArtifacts(ctx, one, two);
      if (!diff.equal) kdock.exitCode = DIFFERENT;
      kdock.printer("diff").result(diff, diffText(diff));
    });
}
