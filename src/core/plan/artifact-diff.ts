import { differingNames, type KeyInputs } from "./keys.js";
import type { Manifest, ManifestFile } from "./manifest.js";

/** The part of a stage's manifest.json that two of them can differ in. */
export type StageManifest = Omit<Manifest, "kdock" | "commands" | "cost">;

/** What one stage left: its manifest, and the text of its final .config where it has one. */
export interface StageArtifacts {
  readonly manifest: StageManifest;
  readonly config: string | undefined;
}

/** One thing that two stages name alike and have different; undefined where one of them has no such thing. */
export interface Change<T = string> {
  readonly name: string;
  readonly from: T | undefined;
  readonly to: T | undefined;
}

/** "sha256" for files, "target" for links: what the bytes are, without the path. */
export type FileContent = Omit<ManifestFile, "path">;

export interface StageDiff {
  readonly stage: string;
  /** The two keys; equal ones do not promise equal files, which is what building twice finds out. */
  readonly from: string;
  readonly to: string;
  readonly inputs: readonly Change[];
  readonly resolved: readonly Change[];
  readonly tools: readonly Change[];
  readonly config: readonly Change[];
  readonly files: readonly Change<FileContent>[];
}

export const NOT_SET = "not set";

/** Everything in which two runs of one stage differ, each list by name in code-unit order. */
export function stageDiff(before: StageArtifacts, after: StageArtifacts): StageDiff {
  const [one, two] = [before.manifest, after.manifest];
  return {
    stage: one.stage,
    from: one.key,
    to: two.key,
    inputs: changes(inWords(one.inputs), inWords(two.inputs)),
    resolved: changes(one.resolved, two.resolved),
    tools: changes(one.tools ?? {}, two.tools ?? {}),
    config: changes(configOptions(before.config ?? ""), configOptions(after.config ?? "")),
    files: changes(byPath(one.files), byPath(two.files)),
  };
}

export function isEqual({ inputs, resolved, tools, config, files }: StageDiff): boolean {
  return [inputs, resolved, tools, config, files].every((list) => list.length === 0);
}

/** A final .config as a map: "y", "m", `"text"`, "12"; "not set" for options that are off. */
export function configOptions(text: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    text.split("\n").flatMap((line) => {
      const [, name, value] = /^(CONFIG_\w+)=(.*?)\r?$/.exec(line) ?? [];
      if (name !== undefined && value !== undefined) return [[name, value]];
      const [, off] = /^# (CONFIG_\w+) is not set\r?$/.exec(line) ?? [];
      return off === undefined ? [] : [[off, NOT_SET]];
    }),
  );
}

function changes<T>(
  before: Readonly<Record<string, T>>,
  after: Readonly<Record<string, T>>,
): Change<T>[] {
  return differingNames(before, after).map((name) => ({
    name,
    from: before[name],
    to: after[name],
  }));
}

function inWords(inputs: KeyInputs): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, value]) => [
      name,
      typeof value === "object" ? value.join(" ") : String(value),
    ]),
  );
}

/** Rebuilt in one order of keys, because that of a file on disk is not promised. */
function byPath(files: readonly ManifestFile[]): Readonly<Record<string, FileContent>> {
  return Object.fromEntries(
    files.map(({ path, kind, size, sha256, target }) => [path, { kind, size, sha256, target }]),
  );
}
