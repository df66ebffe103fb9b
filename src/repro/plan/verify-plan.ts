import type { Assets } from "../../core/plan/assets.js";
import { assetsDigest, selectAssets } from "../../core/plan/assets.js";
import type { BuildPlan } from "../../build/plan/build-plan.js";
import { type ContainerSpec, type Labels, PLAIN } from "../../core/plan/container-spec.js";
import type { DerivedImage, ImagePlan } from "../../build/plan/image-plan.js";
import { stageKey } from "../../core/plan/keys.js";
import { imageTag, INSIDE, labels, type ProjectNames } from "../../core/plan/names.js";

/** The conditions that a verification varies, as printed. No artifact may depend on them. */
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
  "source (unpacked again)",
] as const;

const CONTEXT = ["images/apt", "images/verify"];

/** A builder image with varied conditions. Its additional package does not affect a build, and is not pinned. */
export function hostileImage(builder: ImagePlan, assets: Assets): DerivedImage {
  return derived("hostile", builder.tag, builder, assets);
}

/** The image with the programs that explain differences. */
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
  /** Labels of the volumes, which are removed after the build. */
  readonly volumes: Readonly<Record<string, Labels>>;
  /** The volume with the objects. */
  readonly objects: string;
}

/** The same build under other conditions: new volumes, and another number of jobs. */
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

/** The container that examines differing files, with the objects of both builds. */
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
