import { differingNames, type KeyInputs } from "./keys.js";
import type { Manifest, ManifestFile } from "./manifest.js";

/** The part of a stage's manifest.json that is compared. */
export type StageManifest = Omit<Manifest, "kdock" | "commands" | "cost">;

/** The artifacts of one stage: its manifest, and the text of its final .config if it has one. */
export interface StageArtifacts {
  readonly manifest: StageManifest;
  readonly config: string | undefined;
}

/** A difference under one name; undefined for the side that does not have it. */
export interface Change<T = string> {
  readonly name: string;
  readonly from: T | undefined;
  readonly to: T | undefined;
}

/** A file's sha256 or a link's target, without the path. */
export type FileContent = Omit<ManifestFile, "path">;

export interface StageDiff {
  readonly stage: string;
  /** The two keys. Equal keys do not guarantee equal files: `kdock verify` compares two builds of one key. */
  readonly from: string;
  readonly to: string;
  readonly inputs: readonly Change[];
  readonly resolved: readonly Change[];
  readonly tools: readonly Change[];
  readonly config: readonly Change[];
  readonly files: readonly Change<FileContent>[];
}

export const NOT_SET = "not set";

/** All differences of two builds of a stage, each list by name in code-unit order. */
export function stageDiff(before: StageArtifacts, after: StageArtifacts): StageDiff {
  const [one, two] = [before.manifest, after.manifest];
  return {
    stage: one.stage,
    from: one.key,
    to: two.key,
    inputs: changes(asText(one.inputs), asText(two.inputs)),
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

function asText(inputs: KeyInputs): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, value]) => [
      name,
      typeof value === "object" ? value.join(" ") : String(value),
    ]),
  );
}

/** Rebuilt with a fixed order of keys: values are compared as JSON. */
function byPath(files: readonly ManifestFile[]): Readonly<Record<string, FileContent>> {
  return Object.fromEntries(
    files.map(({ path, kind, size, sha256, target }) => [path, { kind, size, sha256, target }]),
  );
}
