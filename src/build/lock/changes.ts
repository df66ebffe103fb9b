import { differingNames } from "../../core/plan/keys.js";
import { type Lock, sourceDigest } from "./lock.js";

/** The changes of an update, a line for each entry; empty if there are none. */
export function lockChanges(before: Lock, after: Lock): string[] {
  return [
    ...entryChanges("base", before.bases, after.bases, ({ digest, packages }) => ({
      ...packages,
      digest: digest.slice(-12),
    })),
    ...entryChanges("image", before.images, after.images, ({ packages }) => packages),
    ...entryChanges("source", before.sources, after.sources, (source) => ({
      version: source.version,
      [source.commit === undefined ? "sha256" : "commit"]: sourceDigest(source).slice(0, 12),
    })),
  ];
}

const SHOWN = 6;

function entryChanges<T>(
  what: string,
  before: Readonly<Partial<Record<string, T>>>,
  after: Readonly<Partial<Record<string, T>>>,
  facts: (entry: T) => Readonly<Record<string, string>>,
): string[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return names.flatMap((name) => {
    const [from, to] = [before[name], after[name]];
    if (to === undefined) return [`${what} ${name}: no longer needed`];
    if (from === undefined) return [`${what} ${name}: ${summary(facts(to))}`];
    const changed = changes(facts(from), facts(to));
    if (changed.length === 0) return [];
    const more = changed.length > SHOWN ? [`and ${changed.length - SHOWN} more`] : [];
    return [`${what} ${name}: ${[...changed.slice(0, SHOWN), ...more].join(", ")}`];
  });
}

function summary(facts: Readonly<Record<string, string>>): string {
  const names = Object.keys(facts);
  return facts["version"] ?? `${names.filter((name) => name !== "digest").length} packages`;
}

function changes(
  from: Readonly<Record<string, string>>,
  to: Readonly<Record<string, string>>,
): string[] {
  return differingNames(from, to).map(
    (name) => `${name} ${from[name] ?? "none"} → ${to[name] ?? "none"}`,
  );
}
