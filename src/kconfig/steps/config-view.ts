import { KdockError } from "../../core/errors.js";
import type { Config, KernelPreset } from "../../config/config.js";
import { optionName } from "../../config/kconfig-settings.js";
import { expandSource, parseSource, PROVIDERS } from "../../config/source-spec.js";
import { configOptions } from "../../core/plan/artifact-diff.js";
import { type OptionChange, optionChanges } from "../plan/config-diff.js";
import {
  type KernelConfigTexts,
  type Question,
  valueIn,
  type Why,
} from "../plan/config-question.js";
import { requestOrigins, type RequestRow, requestRows } from "../plan/config-requests.js";
import { type Project, replanned } from "../../build/project.js";
import { askConfig, knownConfig, refuseUnknown } from "./config-ask.js";
import { projectMutex } from "../../core/steps/context.js";
import { ensureLocked, resolvedFor } from "../../build/steps/lock.js";
import { readLooseText } from "../../core/steps/read-loose-text.js";
import { readUserFiles } from "../../build/steps/read-user-files.js";
import { kernelConfigOf } from "../../repro/steps/diff.js";

export interface OptionValue {
  readonly name: string;
  /** "n" if it is off. */
  readonly value: string;
}

/** The final .config of the project's kernel, from its build or resolved without one. */
export async function finalConfig(
  project: Project,
  question: Question = {},
): Promise<
  KernelConfigTexts & { readonly answer: Awaited<ReturnType<typeof askConfig>>["answer"] }
> {
  const built = await knownConfig(project);
  const options = configOptions(built?.config ?? "");
  const isClear =
    question.why === undefined && (question.options ?? []).every((name) => name in options);
  if (built !== undefined && isClear) {
    return { ...built, answer: { unmet: [], unknown: {}, why: [] } };
  }
  await using _mutex = await projectMutex(project.ctx);
  return await askConfig(await ensureLocked(project), question);
}

/** The values of options; an unknown name is a `usage` error that lists similar ones. */
export async function optionValues(
  project: Project,
  names: readonly string[],
): Promise<OptionValue[]> {
  const wanted = names.map(optionName);
  const { config, answer } = await finalConfig(project, { options: wanted });
  refuseUnknown(answer.unknown);
  const options = configOptions(config);
  return wanted.map((name) => ({ name, value: valueIn(options, name) }));
}

/** Requests with their origins and results, for the named options or for all. */
export async function requests(project: Project, names: readonly string[]): Promise<RequestRow[]> {
  const { config, demands } = await finalConfig(project);
  const { preset } = project.config.kernel;
  const rows = requestRows(demands, config, originsOf(project), preset);
  const wanted = new Set<string>(names.map(optionName));
  return wanted.size === 0 ? rows : rows.filter(({ name }) => wanted.has(name));
}

export function originsOf({ user, config, written }: Project): Readonly<Record<string, string>> {
  return requestOrigins(user.kernelFragments, config.kernel.set, written.kernel.set);
}

export interface Explained {
  readonly known: readonly Why[];
  /** Throws a `usage` error for an unknown name. */
  readonly requireAll: () => void;
}

/** Explains options, in the order of `names`. */
export async function explainOptions(
  project: Project,
  names: readonly string[],
): Promise<Explained> {
  const why = names.map(optionName);
  const { answer } = await finalConfig(project, { why, origins: originsOf(project) });
  const unknown = answer.why.flatMap((each) =>
    each.unknown === undefined ? [] : [[each.name, each.unknown] as const],
  );
  return {
    known: answer.why.filter((each) => each.unknown === undefined),
    requireAll: () => {
      refuseUnknown(Object.fromEntries(unknown));
    },
  };
}

export interface ConfigDiff {
  readonly from: string;
  readonly to: string;
  readonly equal: boolean;
  readonly changes: readonly OptionChange[];
}

/** The argument OTHER, and its interpretations as a path and as a source. */
export interface OtherConfig {
  readonly typed: string;
  readonly path: string;
  /** In the notation of kdock.yaml: see `sourceTypedIn`. */
  readonly source: string;
}

interface NamedConfig {
  readonly name: string;
  readonly config: string;
}

const PRESETS = /^(?:debug|defconfig|tiny|host)$/;

/**
 * Compares another configuration with the project's: by default the pure preset; otherwise a preset, a .config file, a built
 * kernel or set, or another source with the same requests.
 */
export async function diffConfig(
  project: Project,
  other: OtherConfig | undefined,
): Promise<ConfigDiff> {
  const { kernel } = project.config;
  const from = await (other === undefined
    ? presetConfig(project, kernel.preset)
    : otherConfig(project, other));
  const { config } = await finalConfig(project);
  const changes = optionChanges(from.config, config);
  return {
    from: from.name,
    to: `${kernel.source}, as configured`,
    equal: changes.length === 0,
    changes,
  };
}

async function otherConfig(
  project: Project,
  { typed, path, source }: OtherConfig,
): Promise<NamedConfig> {
  const { ctx, config } = project;
  if (typed === config.kernel.preset || PRESETS.test(typed)) return presetConfig(project, typed);
  const long = expandSource(source, config.kernel);
  const isShort = !isLong(typed) && isLong(long);
  // "./x" may also be a .config.
  const isFile = isShort && long.startsWith("path:") && !(await ctx.host.files.isFolder(path));
  if (isLong(long) && !isFile) {
    const parsed = parseSource(long);
    if ("problem" in parsed) throw new KdockError("usage", parsed.problem);
    const kernel = { ...config.kernel, source: long };
    return { name: long, config: await configOf(project, { ...config, kernel }) };
  }
  const text = await readLooseText(ctx.host.files, path);
  if (text !== undefined) {
    if (Object.keys(configOptions(text)).length === 0) {
      throw new KdockError("usage", `${typed} is not a .config: no line sets an option`);
    }
    return { name: typed, config: text };
  }
  const built = await kernelConfigOf(ctx, typed);
  return { name: built.name, config: built.config };
}

async function presetConfig(project: Project, preset: string): Promise<NamedConfig> {
  const { config } = project;
  const kernel = { ...config.kernel, preset: preset as KernelPreset, fragments: [], set: {} };
  return { name: `preset ${preset}`, config: await configOf(project, { ...config, kernel }) };
}

function isLong(word: string): boolean {
  return PROVIDERS.some((kind) => word.startsWith(`${kind}:`));
}

/** The configuration of a variant of the project, without writing kdock.lock. */
async function configOf(project: Project, config: Config): Promise<string> {
  const { ctx } = project;
  const other = replanned(project, { config, user: await readUserFiles(ctx, config) });
  const built = await knownConfig(other);
  if (built !== undefined) return built.config;
  await using _mutex = await projectMutex(ctx);
  return (await askConfig(await resolvedFor(other), {})).config;
}
