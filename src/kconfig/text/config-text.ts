import { counted } from "../../core/plan/counted.js";
import { table } from "../../ui/table.js";

interface OptionChange {
  readonly name: string;
  readonly from: string;
  readonly to: string;
}

/** The text of `kdock config diff`: old values on the left, new ones on the right. */
export function configDiffText({
  from,
  to,
  equal,
  changes,
}: {
  readonly from: string;
  readonly to: string;
  readonly equal: boolean;
  readonly changes: readonly OptionChange[];
}): string[] {
  if (equal) return [`${from} → ${to}: no difference`];
  const rows = changes.map((change) => [
    `-${optionText(change.name, change.from)}`,
    `+${optionText(change.name, change.to)}`,
  ]);
  return [`${from} → ${to}: ${counted(changes.length, "option")}`, ...table(rows)];
}

/** "CONFIG_NET=n", instead of a .config's "is not set". */
export function optionText(name: string, value: string): string {
  return `${name}=${value}`;
}

/** The text of `kdock config show --requested`. */
export function requestsText(
  rows: readonly {
    readonly name: string;
    readonly asked: string;
    readonly from: string;
    readonly is: string;
    readonly unavailable: boolean;
  }[],
): readonly string[] {
  if (rows.length === 0) return ["no such requests"];
  const cells = rows.map(({ name, asked, from, is, unavailable }) => {
    const outcome = unavailable ? "not available" : `is ${is}`;
    return [name, asked, is === asked ? "" : outcome, from];
  });
  return table([["OPTION", "ASKED", "", "BY"], ...cells]);
}

/** Comments for a .config: requests of the preset that are not available in this kernel. */
export function unavailableText(
  unavailable: Readonly<Record<string, string>>,
  preset: string,
): readonly string[] {
  return Object.entries(unavailable).map(
    ([name, asked]) => `# not available in this kernel: ${name}=${asked} of the ${preset} preset`,
  );
}

/** The text of `kdock config menu`. */
export function menuText(
  result: {
    readonly saved: boolean;
    readonly requests: Readonly<Record<string, string>>;
    readonly set: readonly string[];
    readonly lost: readonly string[];
    readonly madeConfig: boolean;
  },
  fragment: string,
  configName: string,
): string[] {
  if (!result.saved) return ["nothing was saved"];
  const names = Object.keys(result.requests);
  return [
    `${fragment}: ${counted(names.length - result.set.length, "option")}`,
    ...names.map((name) => {
      const place = result.set.includes(name) ? `  (kernel.set of ${configName})` : "";
      return `  ${optionText(name, result.requests[name] ?? "")}${place}`;
    }),
    result.madeConfig
      ? `${configName} is new: kernel.fragments has ${fragment}`
      : `kernel.fragments of ${configName} has it`,
    ...(result.lost.length === 0
      ? []
      : ["no request can set these:", ...result.lost.map((line) => `  ${line}`)]),
  ];
}
