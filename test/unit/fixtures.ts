import { Readable } from "node:stream";
import { loadConfig } from "../../src/config/layers.js";
import type { Config } from "../../src/config/config.js";
import { sha256 } from "../../src/core/plan/keys.js";
import type { EngineArchitecture } from "../../src/core/plan/architectures.js";
import type { Assets } from "../../src/core/plan/assets.js";
import { makePlan, type Plan } from "../../src/build/plan/plan.js";
import type { OverlayEntry, OverlayFile } from "../../src/build/plan/overlay.js";
import type { UserFiles } from "../../src/build/plan/user-files.js";

export const NO_FILES: UserFiles = {
  kernelFragments: [],
  kernelPreset: undefined,
  kernelPatches: [],
  kernelKeys: [],
  moduleKey: undefined,
  initramfs: [],
  busyboxFragments: [],
  busyboxKeys: [],
  overlay: [],
  initScripts: [],
};

export function text(content: string): Uint8Array {
  return new TextEncoder().encode(content);
}

/** A file of rootfs.overlay. */
export function overlayFile(
  path: string,
  content: string,
  mode = 0o644,
  link?: string,
): OverlayEntry & OverlayFile {
  const bytes = Buffer.from(content, "latin1");
  return {
    ...{ path, kind: "file", mode, link, head: bytes.subarray(0, 256) },
    namesAgent: bytes.includes("kdock-agent"),
    content: { size: bytes.length, sha256: sha256(bytes), open: () => Readable.from([bytes]) },
  };
}

export const ASSETS: Assets = new Map(
  [
    "Dockerfile.kernel",
    "Dockerfile.busybox",
    "images/apt/install.sh",
    "images/kernel/build.sh",
    "images/kernel/kconfig.py",
    "images/kernel/fetch.sh",
    "images/busybox/build.sh",
    "images/vm/Dockerfile",
    "images/vm/start.sh",
    "images/rootfs/tree/init",
  ].map((path) => [path, { content: text(path), executable: path.endsWith("init") }]),
);

export function config(yaml = ""): Config {
  return loadConfig({ file: { name: "kdock.yaml", text: yaml } });
}

export function plan(
  yaml = "",
  change: { assets?: Assets; user?: Partial<UserFiles>; engine?: EngineArchitecture } = {},
): Plan {
  return makePlan({
    folder: "/home/ada/lab",
    engine: change.engine ?? "x86_64",
    config: config(yaml),
    assets: change.assets ?? ASSETS,
    user: { ...NO_FILES, ...change.user },
  });
}
