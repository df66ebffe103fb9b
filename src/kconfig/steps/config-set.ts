import { settingNames, type SettingChanges, withSettings } from "../../config/edit.js";
import { optionName, parseSettings } from "../../config/kconfig-settings.js";
import { rawMap } from "../../config/raw-value.js";
import { KdockError } from "../../core/errors.js";
import { unmetLines } from "../plan/config-question.js";
import { type Project, replanned } from "../../build/project.js";
import { askConfig } from "./config-ask.js";
import { originsOf } from "./config-view.js";
import { projectMutex } from "../../core/steps/context.js";
import { ensureLocked } from "../../build/steps/lock.js";
import { readUserFiles } from "../../build/steps/read-user-files.js";

export interface SettingEdit {
  /** kdock.yaml; absolute. */
  readonly path: string;
  readonly force: boolean;
}

/** Parses "NET=y" or "CONFIG_NET=y"; throws a `usage` error for an invalid one. */
export function readAssignments(words: readonly string[]): SettingChanges {
  const raw = rawMap(words);
  if ("problem" in raw) {
    throw new KdockError("usage", raw.problem, {
      hint: "For example: `kdock config set TCP_CONG_BBR=y`.",
    });
  }
  const { settings, problems } = parseSettings(raw.value);
  const [problem] = problems;
  if (problem === undefined) return settings;
  throw new KdockError("usage", `${problem.name}: ${problem.problem}`);
}

/**
 * Writes kernel.set of kdock.yaml after a check with the kernel's Kconfig; `force` skips the check. `changes` has full names;
 * undefined removes an option.
 */
export async function changeSettings(
  project: Project,
  changes: SettingChanges,
  { path, force }: SettingEdit,
): Promise<{ readonly written: boolean }> {
  const { ctx } = project;
  await using _mutex = await projectMutex(ctx);
  const text = (await ctx.host.files.readText(path)) ?? "";
  refuseMissing(text, changes);
  const edited = withSettings(text, changes);
  if (edited === text) return { written: false };
  if (!force) await requireMet(await withChanges(project, changes));
  ctx.signal.throwIfAborted();
  await ctx.host.files.writeAtomic(path, edited);
  return { written: true };
}

function refuseMissing(text: string, changes: SettingChanges): void {
  const there = new Set<string>(settingNames(text));
  const missing = Object.keys(changes).filter(
    (name) => changes[name] === undefined && !there.has(name),
  );
  if (missing.length === 0) return;
  throw new KdockError("usage", `kernel.set of kdock.yaml does not have ${missing.join(", ")}`, {
    hint:
      there.size === 0
        ? "It has no options; `kdock config show --requested` lists requests and their origins."
        : `It has ${[...there].join(", ")}; \`kdock config show --requested\` lists requests and their origins.`,
  });
}

/** The project with the changes. */
async function withChanges(project: Project, changes: SettingChanges): Promise<Project> {
  const set: Record<`CONFIG_${string}`, string> = {};
  for (const [name, value] of Object.entries<string | undefined>({
    ...project.config.kernel.set,
    ...changes,
  })) {
    if (value !== undefined) set[optionName(name)] = value;
  }
  const config = { ...project.config, kernel: { ...project.config.kernel, set } };
  const written = { ...project.written, kernel: { ...project.written.kernel, set } };
  const user = await readUserFiles(project.ctx, config);
  return replanned({ ...project, written }, { config, user });
}

async function requireMet(project: Project): Promise<void> {
  const { answer } = await askConfig(await ensureLocked(project), { origins: originsOf(project) });
  if (answer.unmet.length === 0) return;
  const lines = unmetLines(answer.unmet).map((line) => `\n${line}`);
  throw new KdockError(
    "config",
    `the final .config would not have the requested options:${lines.join("")}`,
    { hint: "Nothing was written; --force writes it without the check." },
  );
}
