import { counted } from "../../core/plan/counted.js";
import { table } from "../../ui/table.js";

interface Change<T> {
  readonly name: string;
  readonly from: T | undefined;
  readonly to: T | undefined;
}

interface FileContent {
  readonly size: number;
  readonly sha256: string;
  readonly target: string;
}

interface StageDiff {
  readonly stage: string;
  readonly from: string;
  readonly to: string;
  readonly inputs: readonly Change<string>[];
  readonly resolved: readonly Change<string>[];
  readonly tools: readonly Change<string>[];
  readonly config: readonly Change<string>[];
  readonly files: readonly Change<FileContent>[];
}

interface ArtifactDiff {
  readonly from: string;
  readonly to: string;
  readonly equal: boolean;
  readonly stages: readonly StageDiff[];
}

/** Rows shown per group; --json has all. */
const LINES = 40;
/** Longer values are cut, so that both fit on a line. */
const WIDTH = 60;
const DIGEST = /^(sha256:)?([\da-f]{12})[\da-f]{28,}$/;

/** The text of `kdock diff`: for each stage first the inputs, then the results. */
export function diffText({ from, to, equal, stages }: ArtifactDiff): string[] {
  const head = `${from} → ${to}`;
  if (equal) return [`${head}: no difference`];
  return [head, ...stages.flatMap((stage) => ["", ...stageText(stage)])];
}

function stageText(diff: StageDiff): string[] {
  const { stage, from, to, inputs, resolved, tools, config, files } = diff;
  const groups = [
    ...group("inputs", inputs.map(valueRow)),
    ...group("resolved", resolved.map(valueRow)),
    ...group("tools", tools.map(valueRow)),
    ...configText(config),
    ...group("files", files.map(fileRow)),
  ];
  if (groups.length === 0) return [`${stage}: no difference`];
  return [
    `${stage}: ${from === to ? from : `${from} → ${to}`}`,
    ...groups,
    ...(files.length === 0 ? ["  every file is the same, byte for byte"] : []),
  ];
}

/** Options that are off on both sides are only counted: there may be thousands, with menus that became visible or hidden. */
function configText(config: readonly Change<string>[]): string[] {
  const isQuiet = ({ from, to }: Change<string>) =>
    (from ?? "not set") === "not set" && (to ?? "not set") === "not set";
  const shownChanges = config.filter((change) => !isQuiet(change));
  const quiet = config.length - shownChanges.length;
  const note = `    ${quiet} more are off on both sides, and available on one only (--json has them)`;
  const lines = group("config", shownChanges.map(valueRow));
  if (quiet === 0) return lines;
  return [...(lines.length === 0 ? ["  config (0)"] : lines), note];
}

function group(title: string, rows: readonly (readonly string[])[]): string[] {
  if (rows.length === 0) return [];
  const more = rows.length - LINES;
  return [
    `  ${title} (${rows.length})`,
    ...table(rows.slice(0, LINES)).map((line) => `    ${line}`),
    ...(more > 0 ? [`    … and ${more} more (--json has them)`] : []),
  ];
}

function valueRow({ name, from, to }: Change<string>): string[] {
  return [name, `${shown(from)} → ${shown(to)}`];
}

function shown(value: string | undefined): string {
  if (value === undefined) return "(none)";
  if (value === "") return '""';
  const [, prefix = "", digits] = DIGEST.exec(value) ?? [];
  if (digits !== undefined) return `${prefix}${digits}…`;
  const line = value.replace(/\s*\n\s*/g, "; ");
  return line.length > WIDTH ? `${line.slice(0, WIDTH - 1)}…` : line;
}

function fileRow({ name, from, to }: Change<FileContent>): string[] {
  if (from === undefined) return [name, to === undefined ? "" : `only in the second, ${size(to)}`];
  if (to === undefined) return [name, `only in the first, ${size(from)}`];
  if (from.target !== to.target) return [name, `${kind(from)} → ${kind(to)}`];
  return [
    name,
    from.size === to.size ? `${size(from)}, other content` : `${from.size} → ${size(to)}`,
  ];
}

function kind(file: FileContent): string {
  return file.target === "" ? "file" : `link to ${file.target}`;
}

function size(file: FileContent): string {
  return file.target === "" ? counted(file.size, "byte") : kind(file);
}
