import { table } from "../../ui/table.js";

interface OptionChange {
  readonly name: string;
  readonly from: string;
  readonly to: string;
}

/** `kdock config diff`, for people: what goes on the left, what comes on the right. */
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
  return [`${from} → ${to}: ${count(changes.length, "option")}`, ...table(rows)];
}

/** As short as a .config's line can be told. */
export function optionText(name: string, value: string): string {
  return `${name}=${value}`;
}

/** `kdock config show --requested`, for people. */
export function requestsText(
  rows: readonly {
    readonly name: string;
    readonly asked: string;
    readonly from: string;
    readonly is: string;
    readonly unavailable: boolean;
  }[],
): readonly string[] {
  if (rows.length === 0) return ["nobody asks for that"];
  const cells = rows.map(({ name, asked, from, is, unavailable }) => {
    const outcome = unavailable ? "not available" : `is ${is}`;
    return [name, asked, is === asked ? "" : outcome, from];
  });
  return table([["OPTION", "ASKED", "", "BY"], ...cells]);
}

/** Comments below a .config: what the preset would have in it, were this kernel another one. */
export function unavailableText(
  unavailable: Readonly<Record<string, string>>,
  preset: string,
): readonly string[] {
  return Object.entries(unavailable).map(
    ([name, asked]) => `# not available in this kernel: ${name}=${asked} of the ${preset} preset`,
  );
}

/** `kdock config menu`, for people. */
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
    `${fragment}: ${count(names.length - result.set.length, "option")}`,
    ...names.map((name) => {
      const place = result.set.includes(name) ? `  (kernel.set of ${configName})` : "";
      return `  ${optionText(name, result.requests[name] ?? "")}${place}`;
    }),
    result.madeConfig
      ? `${configName} is new: kernel.fragments has ${fragment}`
      : `kernel.fragments of ${configName} has it`,
    ...(result.lost.length === 0
      ? []
      : ["not brought about by any request:", ...result.lost.map((line) => `  ${line}`)]),
  ];
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}
