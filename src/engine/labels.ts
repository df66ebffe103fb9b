import type { Labels } from "./engine.js";

/** The engine's filter for what has all of these labels. Podman before 5 answers with what has any of them. */
export function byLabel(labels: Labels): { label: string[] } {
  return { label: Object.entries(labels).map(([key, value]) => `${key}=${value}`) };
}

/** Whether something has all of these labels, whatever the engine made of the filter. */
export function hasLabels(wanted: Labels): (thing: { readonly labels: Labels }) => boolean {
  return ({ labels }) => Object.entries(wanted).every(([key, value]) => labels[key] === value);
}
