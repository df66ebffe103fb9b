import type { Config } from "../config/config.js";
import type { Fragment } from "./kconfig.js";

/** The files that kdock.yaml names, read once at the door. */
export interface UserFiles {
  readonly kernelFragments: readonly Fragment[];
  /** The text of `preset: file:…`. */
  readonly kernelPreset: string | undefined;
  readonly busyboxFragments: readonly Fragment[];
  readonly overlay: readonly OverlayEntry[];
}

export interface OverlayEntry {
  /** Relative to the overlay folder, forward slashes. */
  readonly path: string;
  readonly kind: "file" | "directory" | "symlink";
  readonly executable: boolean;
  /** The link's text, "" for others. */
  readonly target: string;
  /** Empty for folders and links. */
  readonly content: Uint8Array;
}

/** The path of `preset: file:PATH`, undefined for the named presets. */
export function presetFile(config: Config): string | undefined {
  const { preset } = config.kernel;
  return preset.startsWith("file:") ? preset.slice("file:".length) : undefined;
}
