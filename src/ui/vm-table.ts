import { table } from "./table.js";

interface VmRow {
  readonly project: string;
  readonly name: string;
  readonly status: string;
  readonly kernel: string;
  readonly gdb: string;
  readonly ports: readonly string[];
}

/** `kdock ps`, for people. */
export function vmTable(rows: readonly VmRow[], withProject: boolean): readonly string[] {
  const head = [...(withProject ? ["PROJECT"] : []), "NAME", "KERNEL", "STATUS", "GDB", "PORTS"];
  return table([
    head,
    ...rows.map((row) => [
      ...(withProject ? [row.project] : []),
      row.name,
      row.kernel,
      row.status,
      row.gdb || "-",
      row.ports.join(" ") || "-",
    ]),
  ]);
}
