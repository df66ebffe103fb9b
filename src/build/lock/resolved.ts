import { type Lock, LockFile, type LockedSource, momentOf } from "./lock.js";
import type { ImageRequest, SourceRequest } from "./requests.js";

/** Output of images/apt/resolve.sh and the source.sh scripts in a container of the base image. */
export interface Resolved {
  /** Packages that an image adds or upgrades, by the image's name in the lock. */
  readonly packages: ReadonlyMap<string, Readonly<Record<string, string>>>;
  /** Packages of the base image. */
  readonly installed: Readonly<Record<string, string>>;
  readonly sources: ReadonlyMap<"kernel" | "busybox", Omit<LockedSource, "time">>;
}

/** Parses the "@kdock" lines of the scripts' output; ignores other lines. */
export function readResolved(lines: readonly string[]): Resolved {
  const packages = new Map<string, Record<string, string>>();
  const installed: Record<string, string> = {};
  const sources = new Map<"kernel" | "busybox", Omit<LockedSource, "time">>();
  for (const line of lines) {
    const [mark, what, ...words] = line.trim().split(" ");
    if (mark !== "@kdock") continue;
    if (what === "package") {
      const [image = "", name = "", version = ""] = words;
      const found = packages.get(image) ?? {};
      packages.set(image, { ...found, [name]: version });
    }
    if (what === "installed") installed[words[0] ?? ""] = words[1] ?? "";
    if (what === "source") readSource(words, sources);
  }
  return { packages, installed, sources };
}

function readSource(
  [kind = "", ...words]: readonly string[],
  sources: Map<"kernel" | "busybox", Omit<LockedSource, "time">>,
): void {
  if (kind === "kernel" && words[0] === "release") {
    const [, version = "", sha256 = "", signedBy = ""] = words;
    sources.set(kind, { version, sha256, signedBy });
  } else if (kind === "kernel" && words[0] === "git") {
    const [, version = "", commit = ""] = words;
    sources.set(kind, { version, commit });
  } else if (kind === "kernel") {
    const [name = "", version = "", suite = "", sha256 = "", signedBy = ""] = words;
    sources.set(kind, { package: name, version, suite, sha256, signedBy });
  }
  if (kind === "busybox") {
    const [version = "", sha256 = "", signedBy = ""] = words;
    sources.set(kind, { version, sha256, signedBy });
  }
}

/** The lock with the source that a builder resolved or fetched. Throws if its script did not print it. */
export function withResolvedSource(
  lock: Lock,
  { name, kind }: SourceRequest,
  found: Resolved,
  now: number,
): Lock {
  const source = found.sources.get(kind);
  if (source === undefined) throw new Error(`nothing was resolved for the source ${name}`);
  const sources = { ...lock.sources, [name]: { ...source, time: momentOf(now) } };
  return LockFile.parse({ ...lock, sources });
}

export interface ResolvedBase {
  readonly from: "registry" | "bootstrap";
  readonly digest: string;
  /** Seconds since 1970. */
  readonly createdAt: number;
}

/**
 * The lock with the entries resolved for one suite. `now` (milliseconds since 1970) becomes their time: the mtime of files in
 * the images, and the time of the snapshot. Throws if the scripts left out an entry.
 */
export function withResolved(
  lock: Lock,
  suite: ImageRequest["suite"],
  base: ResolvedBase,
  requests: { images: readonly ImageRequest[]; sources: readonly SourceRequest[] },
  found: Resolved,
  now: number,
): Lock {
  const time = momentOf(now);
  const images = requests.images.map(({ name }) => {
    const packages = found.packages.get(name.replaceAll(" ", "-"));
    if (packages === undefined) throw new Error(`nothing was resolved for the image ${name}`);
    return [name, { base: suite, time, packages }] as const;
  });
  const sources = requests.sources.map(({ name, kind }) => {
    const source = found.sources.get(kind);
    if (source === undefined) throw new Error(`nothing was resolved for the source ${name}`);
    return [name, { ...source, time }] as const;
  });
  const { from, digest, createdAt } = base;
  return LockFile.parse({
    ...lock,
    bases: {
      ...lock.bases,
      [suite]: lock.bases[suite] ?? {
        from,
        digest,
        time: momentOf(createdAt * 1000),
        packages: found.installed,
      },
    },
    images: { ...lock.images, ...Object.fromEntries(images) },
    sources: { ...lock.sources, ...Object.fromEntries(sources) },
  });
}
