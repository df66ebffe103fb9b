import type { Config } from "../config/config.js";
import { type Assets, assetsDigest, selectAssets } from "./assets.js";
import { type KeyInputs, stageKey } from "./keys.js";
import type { Role } from "./names.js";
import type { Suite } from "./toolchain.js";

/** A Debian base image and the two ways to get it. */
export interface BasePlan {
  readonly suite: Suite;
  readonly key: string;
  /** "docker.io/library/debian:trixie-slim"; undefined when no registry may be asked. */
  readonly registryRef: string | undefined;
  /** What a bootstrapped base is called; undefined when bootstrapping is not allowed. */
  readonly bootstrapTag: string | undefined;
  /** Debian mirror for bootstrapping; undefined means mmdebstrap's default. */
  readonly mirror: string | undefined;
}

export interface ImagePlan {
  readonly role: Extract<Role, `image-${string}`>;
  readonly base: BasePlan;
  readonly dockerfile: string;
  /** What the build context holds, Dockerfile included: paths of assets. */
  readonly context: readonly string[];
  /** Build arguments besides BASE, which is known only once the base image is there. */
  readonly args: Readonly<Record<string, string>>;
  readonly tag: string;
  readonly key: string;
  readonly inputs: KeyInputs;
}

export function basePlan(suite: Suite, images: Config["images"]): BasePlan {
  const registry =
    images.registry === "" || images.registry === "none" ? undefined : images.registry;
  const mirror = images.mirror;
  const key = stageKey({ suite, mirror: mirror ?? "", variant: "minbase" });
  return {
    suite,
    key,
    registryRef:
      images.base === "bootstrap" || registry === undefined
        ? undefined
        : `${registry}/debian:${suite}-slim`,
    bootstrapTag: images.base === "registry" ? undefined : `kdock/base:${suite}-${key.slice(0, 8)}`,
    mirror,
  };
}

interface ImageKind {
  readonly name: "kernel" | "busybox" | "vm";
  readonly dockerfile: string;
  readonly args: Readonly<Record<string, string>>;
}

export function imagePlan(kind: ImageKind, base: BasePlan, assets: Assets): ImagePlan {
  const context = [kind.dockerfile, "images/apt", `images/${kind.name}`];
  // Both builders check kconfig requests with the same program, and this one can pack the initramfs for compose.
  if (kind.name === "busybox") context.push("images/kernel/kconfig.py", "images/rootfs");
  const args = { ...kind.args, ...(base.mirror === undefined ? {} : { MIRROR: base.mirror }) };
  const inputs: KeyInputs = {
    base: `${base.registryRef ?? "-"} ${base.bootstrapTag ?? "-"}`,
    files: assetsDigest(selectAssets(assets, context)),
    args: Object.entries(args).map(([name, value]) => `${name}=${value}`),
  };
  const key = stageKey(inputs);
  return {
    role: `image-${kind.name}`,
    base,
    dockerfile: kind.dockerfile,
    context,
    args,
    tag: `kdock/${kind.name}:${key}`,
    key,
    inputs,
  };
}
