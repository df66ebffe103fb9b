import { Command } from "commander";
import type { Kdock } from "../../../app/kdock.js";
import type { KeyFlags } from "../../../config/key-flags.js";
import type { Project } from "../../../build/project.js";
import { addBuildFlags } from "../../../app/key-options.js";

interface ShowFlags extends KeyFlags {
  readonly requested?: boolean;
}

/** A result as data and as text. */
interface Shown {
  readonly data: unknown;
  readonly lines: readonly string[];
}

export function define(kdock: Kdock): Command {
  const command = new Command("show")
    .description("print the final .config, or the values of options")
    .argument("[option...]")
    .option(
      "--requested",
      "print requests and their origins: preset, fragments, kernel.set, flags",
    );
  return addBuildFlags(command).action(
    async (options: string[], { requested, ...flags }: ShowFlags) => {
      const project = await kdock.openLocked(flags);
      const { data, lines } =
        requested === true
          ? await showRequests(project, options)
          : options.length > 0
            ? await showValues(project, options)
            : await showAll(project);
      kdock.printer("config show").result(data, lines);
    },
  );
}

async function showRequests(project: Project, options: readonly string[]): Promise<Shown> {
  const { requests } = await import("../../steps/config-view.js");
  const { requestsText } = await import("../../text/config-text.js");
  const rows = await requests(project, options);
  return { data: rows, lines: requestsText(rows) };
}

async function showValues(project: Project, options: readonly string[]): Promise<Shown> {
  const { optionValues } = await import("../../steps/config-view.js");
  const { configLine } = await import("../../../core/plan/kconfig.js");
  const values = await optionValues(project, options);
  return { data: values, lines: values.map(({ name, value }) => configLine(name, value)) };
}

async function showAll(project: Project): Promise<Shown> {
  const { finalConfig } = await import("../../steps/config-view.js");
  const { configOptions } = await import("../../../core/plan/artifact-diff.js");
  const { unavailableRequests } = await import("../../plan/config-requests.js");
  const { unavailableText } = await import("../../text/config-text.js");
  const { config, demands } = await finalConfig(project);
  const unavailable = unavailableRequests(demands);
  return {
    data: configOptions(config),
    lines: [config.trimEnd(), ...unavailableText(unavailable, project.config.kernel.preset)],
  };
}
