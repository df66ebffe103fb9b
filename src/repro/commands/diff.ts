import { Command } from "commander";
import type { Kdock } from "../../app/kdock.js";
import { DIFFERENT } from "../../core/errors.js";

export function define(kdock: Kdock): Command {
  return new Command("diff")
    .description("compare two builds: inputs, options, files; exits with 1 if they differ")
    .argument("<key1>", "key of a stage or a set, at least the first 4 digits; or current")
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
