import { configOptions } from "../../core/plan/artifact-diff.js";
import { valueIn } from "./config-question.js";

/** An option that differs; "n" if it is off or does not exist. */
export interface OptionChange {
  readonly name: string;
  readonly from: string;
  readonly to: string;
}

/** Sorted by name. An option that is off and one that does not exist are equal. */
export function optionChanges(from: string, to: string): OptionChange[] {
  const [one, two] = [configOptions(from), configOptions(to)];
  return [...new Set([...Object.keys(one), ...Object.keys(two)])]
    .map((name) => ({ name, from: valueIn(one, name), to: valueIn(two, name) }))
    .filter((change) => change.from !== change.to)
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}
