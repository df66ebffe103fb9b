import { requestsOf, valueIn } from "./config-question.js";
import { configOptions } from "../../core/plan/artifact-diff.js";
import type { Fragment } from "../../core/plan/kconfig.js";

/** Who has the last word on each option that the user asks for: "fragment net.config", "kernel.set". */
export function requestOrigins(
  fragments: readonly Fragment[],
  set: Readonly<Record<string, string>>,
  /** What kdock.yaml alone says, which flags and variables come on top of. */
  written: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const origins: Record<string, string> = {};
  for (const { name, text } of fragments) {
    for (const option of Object.keys(requestsOf(text))) origins[option] = `fragment ${name}`;
  }
  for (const [option, value] of Object.entries(set)) {
    origins[option] = written[option] === value ? "kernel.set" : "--set or KDOCK_KERNEL_SET";
  }
  return origins;
}

export interface RequestRow {
  readonly name: string;
  readonly asked: string;
  readonly from: string;
  /** In the final .config. */
  readonly is: string;
  /** The preset asks every kernel for it, and this one cannot have it. */
  readonly unavailable: boolean;
}

/** What the preset asks for in vain, by option: how images/kernel/kconfig.py notes it among the demands. */
export function unavailableRequests(demands: string): Readonly<Record<string, string>> {
  const found = demands.matchAll(/^# unavailable: (CONFIG_\w+)=(.*)$/gm);
  return Object.fromEntries([...found].map(([, name = "", asked = ""]) => [name, asked]));
}

/** Every request with its author and what became of it, the user's own first. */
export function requestRows(
  demands: string,
  config: string,
  origins: Readonly<Record<string, string>>,
  preset: string,
): RequestRow[] {
  const options = configOptions(config);
  const unavailable = unavailableRequests(demands);
  const rows = Object.entries({ ...requestsOf(demands), ...unavailable }).map(([name, asked]) => ({
    name,
    asked,
    from: origins[name] ?? `preset ${preset}`,
    is: valueIn(options, name),
    unavailable: name in unavailable,
  }));
  const mine = ({ name }: RequestRow) => (name in origins ? 0 : 1);
  return rows.sort((a, b) => mine(a) - mine(b) || (a.name < b.name ? -1 : 1));
}
