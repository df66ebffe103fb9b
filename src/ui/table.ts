import stringWidth from "string-width";
import { visible } from "./visible.js";

export type Align = "left" | "right";

/** Columns as wide on a terminal as their widest cell, separated by two blanks, without trailing blanks. */
export function table(
  written: readonly (readonly string[])[],
  align: readonly Align[] = [],
): readonly string[] {
  // Before widths are measured: escapes make a cell wider.
  const rows = written.map((row) => row.map(visible));
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, stringWidth(cell));
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
  const blanks = " ".repeat(to - stringWidth(cell));
  return align === "right" ? blanks + cell : cell + blanks;
}
