import type { Assets } from "../../core/plan/assets.js";
import { assetsDigest, selectAssets } from "../../core/plan/assets.js";
import type { BuildPlan } from "../../build/plan/build-plan.js";
import { type ContainerSpec, type Labels, PLAIN } from "../../core/plan/container-spec.js";
import type { DerivedImage, ImagePlan } from "../../build/plan/image-plan.js";
import { stageKey } from "../../core/plan/keys.js";
import { imageTag, INSIDE, labels, type ProjectNames } from "../../core/plan/names.js";

/** What a verification varies, as `kdock verify` says it. None of it may show in an artifact. */
export const VARIED = [
  "jobs",
  "clock (400 days ahead)",
  "host name",
  "container",
  "user name, uid and gid",
  "umask",
  "locale",
  "time zone",
  "order of folders",
  "compiler cache (none)",
  "objects (none: a clean build)",
  "source (unpacked anew)",
] as const;

const CONTEXT = ["images/apt", "images/verify"];

/** A builder image in hostile surroundings. Its only new package has no part in a build, so it is not pinned. */
export function hostileImage(builder: ImagePlan, assets: Assets): DerivedImage {
  return derived("hostile", builder.tag, builder, assets);
}

/** The image that explains differences, over a Debian base. */
export function explainImage(base: string, like: ImagePlan, assets: Assets): DerivedImage {
  return derived("explain", base, like, assets);
}

function derived(
  name: "hostile" | "explain",
  from: string,
  { args }: ImagePlan,
  assets: Assets,
): DerivedImage {
  const key = stageKey({ from, files: assetsDigest(selectAssets(assets, CONTEXT)) });
  const wanted = ["MIRROR", "SNAPSHOT_URL", "SOURCE_DATE_EPOCH"];
  return {
    role: "image-verify",
    dockerfile: `images/verify/${name}.Dockerfile`,
    context: CONTEXT,
    args: Object.fromEntries(Object.entries(args).filter(([arg]) => wanted.includes(arg))),
    tag: imageTag(`verify-${name}`, key),
    key,
    contents: undefined,
    from,
  };
}

export interface VerifyBuild {
  readonly container: ContainerSpec;
  /** Made for this build and removed after it, with the labels to make them with. */
  readonly volumes: Readonly<Record<string, Labels>>;
  /** Of those, the one with the objects. */
  readonly objects: string;
}

/** The same build in other surroundings: nothing of the first one's volumes, and another number of compilers. */
export function verifyBuild(
  plan: BuildPlan,
  names: ProjectNames,
  image: DerivedImage,
  cpus: number,
): VerifyBuild {
  const source = names.volume("src", `verify-${plan.stage}`);
  const objects = names.volume("build", `verify-${plan.stage}`);
  return {
    container: {
      ...plan.container,
      name: names.buildContainer(`verify-${plan.stage}`),
      image: image.tag,
      hostname: "elsewhere.example",
      env: { ...plan.container.env, KDOCK_CCACHE: "0", KDOCK_JOBS: String(cpus + 1) },
      mounts: [
        ...(plan.tree?.transport !== "mount"
          ? [{ volume: source, target: INSIDE.source, readOnly: false }]
          : []),
        { volume: objects, target: INSIDE.objects, readOnly: false },
      ],
    },
    volumes: {
      [source]: labels("source", names.id),
      [objects]: labels("objects", names.id),
    },
    objects,
  };
}

/** Looks at the files that differ, with both object trees beside them. */
export function explainContainer(
  plan: BuildPlan | undefined,
  names: ProjectNames,
  image: DerivedImage,
  objects: string | undefined,
  files: readonly string[],
): ContainerSpec {
  const volumeAt = (target: string) => plan?.container.mounts.find((m) => m.target === target);
  const mounts = [
    [volumeAt(INSIDE.objects)?.volume, "/a-build"],
    [objects, "/b-build"],
    [volumeAt(INSIDE.source)?.volume, INSIDE.source],
  ].flatMap(([volume, target]) =>
    volume === undefined || target === undefined ? [] : [{ volume, target, readOnly: true }],
  );
  return {
    name: names.buildContainer("explain"),
    image: image.tag,
    command: files,
    env: {},
    labels: labels("build", names.id),
    mounts,
    ...PLAIN,
    network: "none",
    hostname: undefined,
    capDrop: ["ALL"],
  };
}
