import { Command, Option } from "commander";
import type { Kdock } from "../../app/kdock.js";
import { DIFFERENT } from "../../core/errors.js";
import { type Target, TARGETS } from "../../core/plan/choices.js";

interface VerifyFlags {
  readonly stage?: readonly Target[];
  readonly manifest?: string;
}

export function define(kdock: Kdock): Command {
  return new Command("verify")
    .description(
      "build again under hostile conditions and compare every file; exits with 1 if one differs",
    )
    .addOption(new Option("--stage <name...>", "only these stages (default: all)").choices(TARGETS))
    .option(
      "--manifest <file>",
      "compare with a manifest.json of another machine instead of building again",
    )
    .action(async ({ stage = TARGETS, manifest }: VerifyFlags) => {
      const { equal, data, lines } =
        manifest === undefined
          ? await buildAgain(kdock, stage)
          : await compare(kdock, kdock.resolve(manifest));
      if (!equal) kdock.exitCode = DIFFERENT;
      kdock.printer("verify").result(data, lines);
    });
}

async function buildAgain(kdock: Kdock, stages: readonly Target[]) {
  const project = await kdock.openLocked();
  const { verify } = await import("../steps/verify.js");
  const { verifyText } = await import("../text/verify-text.js");
  const found = await verify(project, stages);
  return { equal: found.equal, data: found, lines: verifyText(found) };
}

async function compare(kdock: Kdock, manifest: string) {
  const project = await kdock.openLocked();
  const { compareWithManifest } = await import("../steps/verify-manifest.js");
  const { comparisonText } = await import("../text/verify-text.js");
  const found = await compareWithManifest(project, manifest);
  return { equal: found.equal, data: found, lines: comparisonText(found) };
}
