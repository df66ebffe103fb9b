import type { MatrixResult } from "../plan/matrix.js";
import { formatDuration } from "../../ui/duration.js";
import { formatBytes } from "../../ui/step-text.js";
import { type Align, table } from "../../ui/table.js";

interface Column {
  readonly head: string;
  /** Undefined is shown as "-". */
  readonly cell: (row: MatrixResult) => string | undefined;
  readonly align?: Align;
  /** Omit the column when all rows are equal. */
  readonly onlyIfVaried?: boolean;
}

const COLUMNS: readonly Column[] = [
  { head: "KERNEL", cell: ({ kernel }) => kernel },
  { head: "RELEASE", cell: ({ release }) => release },
  { head: "PRESET", cell: ({ preset }) => preset, onlyIfVaried: true },
  { head: "ARCH", cell: ({ arch }) => arch, onlyIfVaried: true },
  { head: "TOOLCHAIN", cell: ({ toolchain }) => toolchain },
  { head: "BUILD", cell: built, align: "right" },
  {
    head: "CPU",
    cell: ({ buildCpuSeconds }) => shown(buildCpuSeconds, (s) => `${(s / 60).toFixed(1)} min`),
    align: "right",
  },
  { head: "IMAGE", cell: ({ imageBytes }) => shown(imageBytes, formatBytes), align: "right" },
  {
    head: "BOOT",
    cell: ({ bootMs }) => shown(bootMs, (ms) => `${(ms / 1000).toFixed(1)} s`),
    align: "right",
  },
  { head: "EXIT", cell: ({ exitCode }) => exitCode?.toString(), align: "right" },
  { head: "VERDICT", cell: ({ verdict }) => verdict },
];

export function matrixTable(results: readonly MatrixResult[]): readonly string[] {
  if (results.length === 0) return [];
  const columns = COLUMNS.filter(
    ({ onlyIfVaried, cell }) => onlyIfVaried !== true || new Set(results.map(cell)).size > 1,
  );
  return table(
    [
      columns.map(({ head }) => head),
      ...results.map((row) => columns.map(({ cell }) => cell(row) ?? "-")),
    ],
    columns.map(({ align }) => align ?? "left"),
  );
}

/** This run's build time; the CPU column is that of the kernel's actual build. */
function built({ cached, buildSeconds }: MatrixResult): string | undefined {
  if (cached) return "cached";
  return buildSeconds === undefined ? undefined : formatDuration(buildSeconds * 1000);
}

function shown(value: number | undefined, text: (value: number) => string): string | undefined {
  return value === undefined ? undefined : text(value);
}
