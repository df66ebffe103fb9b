import type { LocalRepository } from "../../core/local-repository.js";
import type { Config } from "../../config/config.js";
import type { OverlayEntry } from "./overlay.js";
import type { TreeContent } from "../../tree/plan/source-tree.js";
import type { Fragment } from "../../core/plan/kconfig.js";
import type { Secret } from "../../core/secret.js";
import { sha256 } from "../../core/plan/keys.js";

/** The contents of the files that kdock.yaml names, read once. */
export interface UserFiles {
  readonly kernelFragments: readonly Fragment[];
  /** The text of `preset: file:…`. */
  readonly kernelPreset: string | undefined;
  /** In the order in which they are applied. */
  readonly kernelPatches: readonly Fragment[];
  /** `kernel.moduleKey` */
  readonly moduleKey: ModuleKey | undefined;
  /** The files that relative paths in CONFIG_INITRAMFS_SOURCE name. */
  readonly initramfs: readonly InputTree[];
  /** The texts of `kernel.keys`. */
  readonly kernelKeys: readonly Fragment[];
  /** Of `kernel.source: path:…`. */
  readonly tree?: SourceTree | undefined;
  /** Of `kernel.source: git:…` with a repository on the host. */
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
  /** sha256 of the file. Not secret: the file was checked to hold an RSA key, which cannot be guessed from it. */
  readonly digest: string;
}

/** A local kernel tree. */
export interface SourceTree {
  /** Absolute. */
  readonly folder: string;
  /** From its Makefile: "6.12.30". */
  readonly version: string;
  /** A read-only bind mount, or a copy in a volume. */
  readonly transport: "mount" | "copy";
  /** Undefined for commands that do not need it. */
  readonly content?: TreeContent | undefined;
  /** Resolves when the index of the tree is saved; rejects if it cannot be. */
  readonly saved?: Promise<void> | undefined;
}

/** A script that the guest runs at boot. */
export interface InitScript {
  /** As written in kdock.yaml. */
  readonly path: string;
  readonly content: Uint8Array;
}

/** A file or folder of the project that is copied into a build container. */
export interface InputTree {
  /** As written in kdock.yaml, relative to its folder. */
  readonly path: string;
  /** For a folder: its entries. For a file: the file, with the path "". */
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

/** One input for each entry, so that a change is reported by name: "initramfs root etc/motd". */
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

/** The path of `preset: file:PATH`; undefined for a named preset. */
export function presetFile(config: Config): string | undefined {
  const { preset } = config.kernel;
  return preset.startsWith("file:") ? preset.slice("file:".length) : undefined;
}
