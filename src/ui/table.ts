import { visible } from "./visible.js";

export type Align = "left" | "right";

/** Columns as wide as their widest cell, two blanks between them, nothing at the end of a line. */
export function table(
  written: readonly (readonly string[])[],
  align: readonly Align[] = [],
): readonly string[] {
  // What is made visible after this would be wider than its column.
  const rows = written.map((row) => row.map(visible));
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, width(cell));
    });
  }
  return rows.map((row) =>
    row
      .map((cell, column) => pad(cell, widths[column] ?? 0, align[column] ?? "left"))
      .join("  ")
      .trimEnd(),
  );
}

function pad(cell: string, to: number, align: Align): string {
  const blanks = " ".repeat(to - width(cell));
  return align === "right" ? blanks + cell : cell + blanks;
}

/** In code points: what kdock prints has no wide or combining characters, but may have ones beyond 16 bits. */
function width(cell: string): number {
  return Array.from(cell).length;
}
