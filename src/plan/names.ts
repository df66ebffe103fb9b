import type { Labels } from "./container-spec.js";
import { sha256 } from "./keys.js";

/** Every name, label and fixed path of kdock is spelt here and nowhere else. */

export const LABEL = {
  project: "io.kdock.project",
  role: "io.kdock.role",
  key: "io.kdock.key",
  /** The VM container's facts for `kdock ps`: see VM_FACTS in vm-plan.ts. */
  vm: "io.kdock.vm",
} as const;

export type Role =
  | "base"
  | "image-kernel"
  | "image-busybox"
  | "image-vm"
  | "build"
  | "source"
  | "objects"
  | "ccache"
  | "vm"
  | "network";

export function labels(role: Role, project: string | undefined, key?: string): Labels {
  return {
    [LABEL.role]: role,
    ...(project === undefined ? {} : { [LABEL.project]: project }),
    ...(key === undefined ? {} : { [LABEL.key]: key }),
  };
}

/** Where things are inside the containers. */
export const INSIDE = {
  source: "/src",
  objects: "/build",
  ccache: "/ccache",
  input: "/in",
  output: "/out",
  /** The VM container's copies of the kernel's and the rootfs stage's output, one folder each. */
  artifacts: "/artifacts",
  bzImage: "/artifacts/kernel/bzImage",
  rootfs: "/artifacts/rootfs/rootfs.cpio",
  agentSocket: "/run/kdock/agent.sock",
  qmpSocket: "/run/kdock/qmp.sock",
  gdbPort: 1234,
  agentPort: "io.kdock.agent",
} as const;

/** One compiler cache for all projects of an engine: it is keyed by content, so sharing it is safe. */
export const CCACHE_VOLUME = "kdock-ccache";

export interface ProjectNames {
  /** "linuxlab-1a2b3c": the folder's name and a hash of its whole path, so that two checkouts never meet. */
  readonly id: string;
  readonly network: string;
  readonly vmContainer: string;
  buildContainer(stage: string): string;
  volume(kind: "src" | "build", detail: string): string;
}

export function projectNames(folder: string): ProjectNames {
  const base = folder.split(/[\\/]/).filter(Boolean).at(-1) ?? "root";
  const id = `${slug(base) || "project"}-${sha256(folder).slice(0, 6)}`;
  return {
    id,
    network: `kdock-${id}`,
    vmContainer: `kdock-${id}-vm`,
    buildContainer: (stage) => `kdock-${id}-build-${stage}`,
    volume: (kind, detail) => `kdock-${id}-${kind}-${slug(detail)}`,
  };
}

/** What Docker accepts in a name: letters, digits, dots and dashes. */
export function slug(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9.]+/g, "-")
    .replace(/^[-.]+|[-.]+$/g, "");
}

/** Where things are in the project's folder. Paths are relative to it. */
export const FOLDER = {
  config: "kdock.yaml",
  state: ".kdock",
  out: ".kdock/out",
  current: ".kdock/out/current",
  logs: ".kdock/logs",
  lock: ".kdock/lock",
  manifest: "manifest.json",
} as const;
