import { Command } from "commander";
import type { Kdock } from "../../../app/kdock.js";
import type { KeyFlags } from "../../../config/key-flags.js";
import { DIFFERENT } from "../../../core/errors.js";
import type { Project } from "../../../build/project.js";
import { addBuildFlags } from "../../../app/key-options.js";

const MORE = `
OTHER is a preset (debug, defconfig, tiny, host), a .config file, the key of a built kernel or set, "current", or another
source for the same requests, as for --kernel (6.1, debian:6.1, ./linux). Default: the pure preset. Exit code 1: they differ.`;

export function define(kdock: Kdock): Command {
  const command = new Command("diff")
    .description("compare the configuration with its preset, or with another one")
    .argument("[other]", "a preset, a file, a key or a source")
    .addHelpText("after", MORE);
  return addBuildFlags(command).action(async (other: string | undefined, flags: KeyFlags) => {
    const project = await kdock.openLocked(flags);
    const { diffConfig } = await import("../../steps/config-view.js");
    const { configDiffText } = await import("../../text/config-text.js");
    const named = other === undefined ? undefined : await interpretations(kdock, project, other);
    const diff = await diffConfig(project, named);
    if (!diff.equal) kdock.exitCode = DIFFERENT;
    kdock.printer("config diff").result(diff, configDiffText(diff));
  });
}

/** The interpretations of OTHER. */
async function interpretations(kdock: Kdock, { ctx }: Project, other: string) {
  const { sourceTypedIn } = await import("../../../app/project.js");
  return {
    typed: other,
    path: kdock.resolve(other),
    source: sourceTypedIn(kdock.world.cwd, ctx.folder, other),
  };
}
