import type { LocalRepository } from "../../core/local-repository.js";
import type { Config } from "../../config/config.js";
import type { OverlayEntry } from "./overlay.js";
import type { TreeContent } from "../../tree/plan/source-tree.js";
import type { Fragment } from "../../core/plan/kconfig.js";
import type { Secret } from "../../core/secret.js";
import { sha256 } from "../../core/plan/keys.js";

/** The files that kdock.yaml names, read once at the door. */
export interface UserFiles {
  readonly kernelFragments: readonly Fragment[];
  /** The text of `preset: file:…`. */
  readonly kernelPreset: string | undefined;
  /** In the order in which they are applied. */
  readonly kernelPatches: readonly Fragment[];
  /** `kernel.moduleKey` */
  readonly moduleKey: ModuleKey | undefined;
  /** What relative paths in CONFIG_INITRAMFS_SOURCE name, by that path. */
  readonly initramfs: readonly InputTree[];
  /** The texts of `kernel.keys`. */
  readonly kernelKeys: readonly Fragment[];
  /** Of `kernel.source: path:…`. */
  readonly tree?: SourceTree | undefined;
  /** Of `kernel.source: git:…` with a repository of this machine. */
  readonly repository?: LocalRepository | undefined;
  readonly busyboxFragments: readonly Fragment[];
  /** The texts of `busybox.keys`. */
  readonly busyboxKeys: readonly Fragment[];
  readonly overlay: readonly OverlayEntry[];
  /** `rootfs.init`, in order. */
  readonly initScripts: readonly InitScript[];
}

export interface ModuleKey {
  /** The file: a private key and its certificate. */
  readonly pem: Secret;
  /** sha256 of the file. It may be published: nobody guesses an RSA key, which is what the file was checked to hold. */
  readonly digest: string;
}

/** A local kernel tree. */
export interface SourceTree {
  /** Absolute. */
  readonly folder: string;
  /** As its Makefile says it: "6.12.30". */
  readonly version: string;
  /** How it gets into a builder: as it lies there, read only, or as a copy in a volume. */
  readonly transport: "mount" | "copy";
  /** What it holds; undefined for commands that only need names. */
  readonly content?: TreeContent | undefined;
  /** Settled when the index of its files is kept under the content's digest, or cannot be. */
  readonly kept?: Promise<void> | undefined;
}

/** A script that the guest runs at boot. */
export interface InitScript {
  /** As the user wrote it. */
  readonly path: string;
  readonly content: Uint8Array;
}

/** A file or folder of the user's that goes into a build container as it is. */
export interface InputTree {
  /** As the user wrote it, relative to the folder of kdock.yaml. */
  readonly path: string;
  /** Of a folder: what is below it. Of a file: itself, with the path "". */
  readonly entries: readonly InputEntry[];
}

export interface InputEntry {
  /** Relative to the tree's folder, forward slashes. */
  readonly path: string;
  readonly kind: "file" | "directory" | "symlink";
  readonly executable: boolean;
  /** The link's text, "" for others. */
  readonly target: string;
  /** Empty for folders and links. */
  readonly content: Uint8Array;
}

/** One input for each entry, so that the one that changed can be named: "initramfs root etc/motd". */
export function inputDigests(
  what: string,
  entries: readonly InputEntry[],
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    entries.map(({ path, kind, executable, target, content }) => [
      `${what} ${path}`.trimEnd(),
      sha256(JSON.stringify([kind, executable, target, sha256(content)])),
    ]),
  );
}

/** The path of `preset: file:PATH`, undefined for the named presets. */
export function presetFile(config: Config): string | undefined {
  const { preset } = config.kernel;
  return preset.startsWith("file:") ? preset.slice("file:".length) : undefined;
}
