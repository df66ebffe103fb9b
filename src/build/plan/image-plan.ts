import type { Config } from "../../config/config.js";
import { epochOf, type Lock, type LockedBase, type LockedImage } from "../lock/lock.js";
import type { EngineArchitecture } from "../../core/plan/architectures.js";
import { type Assets, assetsDigest, selectAssets } from "../../core/plan/assets.js";
import { type KeyInputs, sha256, stageKey } from "../../core/plan/keys.js";
import { imageTag, type Role } from "../../core/plan/names.js";
import type { Suite } from "./toolchain.js";

/** A Debian base image and the two ways to get it. */
export interface BasePlan {
  readonly suite: Suite;
  /** Of the engine that runs it. */
  readonly architecture: EngineArchitecture;
  /** "docker.io/library/debian:trixie-slim"; undefined if no registry may be used. */
  readonly registryRef: string | undefined;
  /** The tag of a bootstrapped base; undefined if bootstrapping is not allowed. */
  readonly bootstrapTag: string | undefined;
  /** Debian mirror for bootstrapping; undefined means mmdebstrap's default. */
  readonly mirror: string | undefined;
  /** See `images.snapshot`. */
  readonly snapshot: string | undefined;
  /** The locked base; undefined before the first lock. */
  readonly pin: LockedBase | undefined;
}

export interface ImagePlan {
  readonly role: Extract<Role, `image-${string}`>;
  readonly base: BasePlan;
  readonly dockerfile: string;
  /** The build context, with the Dockerfile: paths of assets. */
  readonly context: readonly string[];
  /** Build arguments except BASE, which is set once the base image exists. */
  readonly args: Readonly<Record<string, string>>;
  readonly tag: string;
  readonly key: string;
  readonly inputs: KeyInputs;
  /** Identifies the image across projects of an engine; undefined before it is locked. */
  readonly contents: ImageContents | undefined;
}

export interface ImageContents {
  /** Digest of the packages and their base. */
  readonly packages: string;
  readonly time: string;
}

/** Equal for images with the same packages, independent of when these were resolved. */
export function packagesDigest(base: string, packages: LockedImage["packages"]): string {
  return sha256(JSON.stringify([base, Object.entries(packages).sort()]));
}

export function basePlan(
  suite: Suite,
  images: Config["images"],
  architecture: EngineArchitecture,
  lock?: Lock,
): BasePlan {
  const registry =
    images.registry === "" || images.registry === "none" ? undefined : images.registry;
  const pin = lock?.bases[suite];
  return {
    ...{ suite, architecture },
    registryRef:
      images.base === "bootstrap" || registry === undefined
        ? undefined
        : `${registry}/debian:${suite}-slim`,
    bootstrapTag: images.base === "registry" ? undefined : baseTag(suite, pin),
    mirror: images.mirror,
    snapshot: images.snapshot,
    pin,
  };
}

/** With the fingerprint if it is locked; otherwise the latest that the engine has built. */
function baseTag(suite: Suite, pin: LockedBase | undefined): string {
  return imageTag(
    "base",
    pin === undefined ? suite : `${suite}-${pin.digest.slice(-64).slice(0, 12)}`,
  );
}

export interface ImageKind {
  readonly name: "kernel" | "busybox" | "vm" | "gdb";
  readonly dockerfile: string;
  readonly args: Readonly<Record<string, string>>;
}

export function imagePlan(
  kind: ImageKind,
  base: BasePlan,
  assets: Assets,
  locked: LockedImage | undefined,
): ImagePlan {
  const context = [kind.dockerfile, "images/apt", `images/${kind.name}`];
  // Both builders check kconfig options and fetch tarballs with the same programs; with compose this one packs the initramfs.
  if (kind.name === "busybox")
    context.push("images/kernel/kconfig.py", "images/kernel/fetch.sh", "images/rootfs");
  const contents = locked && {
    packages: packagesDigest(base.pin?.digest ?? "", locked.packages),
    time: locked.time,
  };
  const inputs: KeyInputs = {
    // Versions only: the mirror does not matter.
    ...(contents === undefined
      ? unlockedInputs(base)
      : { base: base.pin?.digest ?? "", ...contents }),
    files: assetsDigest(selectAssets(assets, context)),
    ...kind.args,
  };
  const key = stageKey(inputs);
  return {
    role: `image-${kind.name}`,
    base,
    dockerfile: kind.dockerfile,
    context,
    args: { ...kind.args, ...mirrorArgs(base), ...(locked === undefined ? {} : pinArgs(locked)) },
    tag: imageTag(kind.name, key),
    key,
    inputs,
    contents,
  };
}

function unlockedInputs(base: BasePlan): KeyInputs {
  return {
    base: `${base.registryRef ?? "-"} ${base.bootstrapTag ?? "-"}`,
    mirror: base.mirror ?? "",
  };
}

/** Build arguments for images/apt/archives.sh: the origin of packages. */
export function mirrorArgs({
  mirror,
  snapshot,
}: Pick<BasePlan, "mirror" | "snapshot">): Record<string, string> {
  return {
    ...(mirror === undefined ? {} : { MIRROR: mirror }),
    ...(snapshot === undefined ? {} : { SNAPSHOT_URL: snapshot }),
  };
}

function pinArgs({ packages, time }: LockedImage): Record<string, string> {
  return {
    PINS: Object.entries(packages)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, version]) => `${name}=${version}`)
      .join(" "),
    SNAPSHOT: time,
    SOURCE_DATE_EPOCH: String(epochOf(time)),
  };
}

/** An image built from an existing one, by a Dockerfile of images/verify. */
export interface DerivedImage extends Pick<
  ImagePlan,
  "role" | "dockerfile" | "context" | "args" | "tag" | "key" | "contents"
> {
  /** The image it is built from. */
  readonly from: string;
}
