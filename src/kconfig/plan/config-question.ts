import type { BuildPlan } from "../../build/plan/build-plan.js";
import { configOptions, NOT_SET } from "../../core/plan/artifact-diff.js";
import type { ContainerSpec } from "../../core/plan/container-spec.js";
import { configLine } from "../../core/plan/kconfig.js";
import { INSIDE, labels, type ProjectNames } from "../../core/plan/names.js";

/** A query about a configuration, for images/kernel/kconfig.py. Options are full names. */
export interface Question {
  /** Options to check for existence if the .config does not contain them. */
  readonly options?: readonly string[];
  readonly why?: readonly string[];
  /** Origins of requests, by option: "kernel.set". Other requests come from the preset. */
  readonly origins?: Readonly<Record<string, string>>;
}

/** A request that is not in the final .config, with reasons. */
export interface Unmet {
  readonly name: string;
  readonly wanted: string;
  readonly got: string;
  /** False for an option that this kernel does not have. */
  readonly known: boolean;
  readonly lines: readonly string[];
}

export interface Why {
  readonly name: string;
  /** Why there is no such option; undefined if there is. */
  readonly unknown?: string;
  /** The printed text. */
  readonly lines: readonly string[];
}

export interface Answer {
  readonly unmet: readonly Unmet[];
  readonly unknown: Readonly<Record<string, string>>;
  readonly why: readonly Why[];
}

/** A final .config and all requests, as texts. */
export interface KernelConfigTexts {
  readonly config: string;
  readonly demands: string;
}

export const QUESTION_FILE = "question.json";
export const ANSWER_FILE = "answer.json";

/**
 * A build that only configures, in a /build that is removed with the container, so that the objects of real builds are not
 * affected.
 */
export function configBuild(
  build: BuildPlan,
  command: readonly string[],
  files: Readonly<Record<string, string>>,
): BuildPlan {
  const kept = build.container.mounts.filter(
    ({ target }) => target !== INSIDE.objects && target !== INSIDE.ccache,
  );
  const volumes = new Set(kept.map(({ volume }) => volume));
  return {
    ...build,
    files: { ...build.files, ...files },
    // A key for modules does not affect the configuration.
    secrets: {},
    volumes: Object.fromEntries(
      Object.entries(build.volumes).filter(([name]) => volumes.has(name)),
    ),
    container: {
      ...build.container,
      command,
      mounts: kept,
      env: { ...build.container.env, KDOCK_CCACHE: "0" },
    },
  };
}

export type MenuTool = "menuconfig" | "nconfig";

/** The menu's container, with a terminal. */
export function menuContainer(
  build: BuildPlan,
  names: ProjectNames,
  { tool, term }: { readonly tool: MenuTool; readonly term: string | undefined },
): ContainerSpec {
  const { container } = build;
  return {
    ...container,
    name: names.buildContainer("menu"),
    command: ["menu"],
    env: {
      ...container.env,
      KDOCK_MENU: tool,
      ...(term === undefined ? {} : { KDOCK_TERM: term }),
    },
    labels: labels("build", names.id),
    tty: true,
    openStdin: true,
  };
}

/** An option's value in a .config; "n" if it is off or does not exist. */
export function valueIn(options: Readonly<Record<string, string>>, name: string): string {
  const value = options[name];
  return value === undefined || value === NOT_SET ? "n" : value;
}

/** Requests by option, "n" for "is not set". */
export function requestsOf(text: string): Readonly<Record<string, string>> {
  const options = configOptions(text);
  return Object.fromEntries(Object.keys(options).map((name) => [name, valueIn(options, name)]));
}

/** The text for requests that are not in the final .config; build.sh prints the same. */
export function unmetLines(unmet: readonly Unmet[]): string[] {
  return unmet.flatMap(({ name, wanted, got, lines }) => [
    `  ${configLine(name, wanted)}  (is ${got})`,
    ...lines.map((line) => `    ${line}`),
  ]);
}
