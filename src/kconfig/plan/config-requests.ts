import { requestsOf, valueIn } from "./config-question.js";
import { configOptions } from "../../core/plan/artifact-diff.js";
import type { Fragment } from "../../core/plan/kconfig.js";

/** The origin of each of the user's requests, after precedence: "fragment net.config", "kernel.set". */
export function requestOrigins(
  fragments: readonly Fragment[],
  set: Readonly<Record<string, string>>,
  /** kernel.set of kdock.yaml, without flags and variables. */
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
  /** Requested by the preset, but not available in this kernel. */
  readonly unavailable: boolean;
}

/** Requests of the preset that are not available, by option: comments of images/kernel/kconfig.py in demands.config. */
export function unavailableRequests(demands: string): Readonly<Record<string, string>> {
  const found = demands.matchAll(/^# unavailable: (CONFIG_\w+)=(.*)$/gm);
  return Object.fromEntries([...found].map(([, name = "", asked = ""]) => [name, asked]));
}

/** Every request with its origin and result, the user's first. */
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
