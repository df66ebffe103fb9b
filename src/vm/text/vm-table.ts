import { table } from "../../ui/table.js";

interface VmRow {
  readonly project: string;
  readonly name: string;
  readonly address: string;
  readonly status: string;
  readonly kernel: string;
  readonly gdb: string;
  readonly ports: readonly string[];
  readonly shares: readonly string[];
}

/** `kdock ps`, for people. */
export function vmTable(rows: readonly VmRow[], withProject: boolean): readonly string[] {
  // Few have any, and paths are long.
  const withShares = rows.some((row) => row.shares.length > 0);
  const head = [
    ...(withProject ? ["PROJECT"] : []),
    "NAME",
    "ADDRESS",
    "KERNEL",
    "STATUS",
    "GDB",
    "PORTS",
    ...(withShares ? ["SHARES"] : []),
  ];
  return table([
    head,
    ...rows.map((row) => [
      ...(withProject ? [row.project] : []),
      row.name,
      row.address || "-",
      row.kernel,
      row.status,
      row.gdb || "-",
      row.ports.join(" ") || "-",
      ...(withShares ? [row.shares.join(", ") || "-"] : []),
    ]),
  ]);
}

/** `kdock up`, for people. */
export function upText({
  started,
  there,
}: {
  readonly started: readonly {
    readonly name: string;
    readonly address: string;
    readonly gdb: string | undefined;
    readonly bootMs: number | undefined;
    readonly noAgent: string | undefined;
  }[];
  readonly there: readonly string[];
}): readonly string[] {
  return table([
    ...there.map((name) => [name, "runs already"]),
    ...started.map(({ name, address, gdb, bootMs, noAgent }) => [
      name,
      noAgent === undefined
        ? `ready (${((bootMs ?? 0) / 1000).toFixed(1)} s)`
        : "runs, without an agent",
      address || "-",
      gdb === undefined ? "-" : `gdbserver on ${gdb}`,
    ]),
  ]);
}

/** `kdock stop` and `kdock down`, for people. */
export function stoppedText(stopped: readonly string[]): readonly string[] {
  return stopped.length > 0 ? stopped.map((name) => `stopped ${name}`) : ["no VM to stop"];
}
