import { z } from "zod";

/** The format that this version writes. A file with a higher one is from a newer kdock, and is rejected. */
export const LOCK_FORMAT = 1;

const sha256 = z.string().regex(/^[\da-f]{64}$/, "expected 64 hexadecimal digits in lower case");
/** The time format of Debian's snapshot archive: year to second, in UTC. */
const moment = z.string().regex(/^\d{8}T\d{6}Z$/, "expected a time such as 20261123T033000Z");
const suite = z.enum(["bullseye", "bookworm", "trixie"]);
/** A base's name, with a suffix for the engine's architecture unless that is x86_64; see `splitLock`. */
const baseName = z
  .string()
  .regex(/^(?:bullseye|bookworm|trixie)(?: on \w+)?$/, "expected a Debian suite");
/** The characters that dpkg accepts in a version; safe in a shell. */
const version = z.string().regex(/^[\w.+~:-]+$/, "expected a Debian package version");
const packages = z.record(
  // With a suffix for another architecture than the engine's: "musl-dev:amd64".
  z.string().regex(/^[a-z\d][a-z\d.+-]+(?::[a-z\d]+)?$/, "expected a Debian package name"),
  version,
);

const Base = z.strictObject({
  from: z.enum(["registry", "bootstrap"]),
  /** registry: "debian@sha256:…"; bootstrap: the fingerprint of the root file system's tar. */
  digest: z.string().regex(/^(?:[\w./:-]+@sha256:)?[\da-f]{64}$/, "expected a digest"),
  time: moment,
  packages,
});

const Image = z.strictObject({ base: suite, time: moment, packages });

const SIGNERS =
  /^(?:debian:[\dA-F]{40}(?:,[\dA-F]{40})*|pgp:[\dA-F]{40}|pinned:(?:kdock|kdock\.yaml|published))$/;

/** debian: package, suite, sha256. release and busybox: sha256. git: commit. A local tree has no entry. */
const Source = z.strictObject({
  /** The Debian package of the kernel's source; busybox comes as a tarball. */
  package: z
    .string()
    .regex(/^[a-z\d.+-]+$/, "expected a Debian package name")
    .optional(),
  /** Also "bookworm-backports" and the like. */
  suite: z
    .string()
    .regex(/^[a-z-]+$/, "expected a Debian suite")
    .optional(),
  version,
  /** Of the downloaded file: Debian's .deb, or the tarball. */
  sha256: sha256.optional(),
  commit: z
    .string()
    .regex(/^(?:[\da-f]{40}|[\da-f]{64})$/, "expected a full commit id")
    .optional(),
  /** When it was resolved: the time to look up in a snapshot archive once mirrors have newer versions. */
  time: moment,
  /**
   * The signer: "debian:" and the fingerprints of the archive's keys, "pgp:" and the fingerprint of the key, or "pinned:" and
   * the source of the digest. Undefined for a commit, whose id is its digest.
   */
  signedBy: z
    .string()
    .regex(SIGNERS, 'expected "debian:FINGERPRINT", "pgp:FINGERPRINT" or "pinned:kdock"')
    .optional(),
});

const Stage = z.strictObject({
  inputs: z.record(z.string(), z.string()),
  /** sha256 of the final .config; undefined before the first build. */
  config: sha256.optional(),
});

export const LockFile = z.strictObject({
  format: z.literal(LOCK_FORMAT),
  /** The version of kdock that wrote it. */
  kdock: z.string(),
  bases: z.record(baseName, Base),
  images: z.record(z.string(), Image),
  sources: z.record(z.string(), Source),
  /** The inputs from kdock.yaml and the files it names, by stage. */
  stages: z.partialRecord(z.enum(["kernel", "busybox", "rootfs"]), Stage),
  /** kdock's own files that go into containers, by path. */
  files: z.record(z.string(), sha256),
});

/** The content of kdock.lock: resolved versions and digests. */
export type Lock = Readonly<z.output<typeof LockFile>>;
export type LockedBase = z.output<typeof Base>;
export type LockedImage = z.output<typeof Image>;
export type LockedSource = z.output<typeof Source>;
export type LockedStage = z.output<typeof Stage>;

export const EMPTY_LOCK: Lock = {
  format: LOCK_FORMAT,
  kdock: "",
  bases: {},
  images: {},
  sources: {},
  stages: {},
  files: {},
};

/** A source's name in the lock: "kernel debian:6.12". */
export function sourceName(kind: string, source: string): string {
  return `${kind} ${source}`;
}

/** The digest of a source of any kind: a file's sha256 or a commit. */
export function sourceDigest({ sha256, commit }: Pick<LockedSource, "sha256" | "commit">): string {
  return sha256 ?? commit ?? "";
}

/** "20261123T033000Z" → seconds since 1970. */
export function epochOf(time: string): number {
  const [, date = "", clock = ""] = /^(\d{8})T(\d{6})Z$/.exec(time) ?? [];
  const iso = `${date.replace(/(\d{4})(\d\d)(\d\d)/, "$1-$2-$3")}T${clock.replace(/(\d\d)(\d\d)(\d\d)/, "$1:$2:$3")}Z`;
  return Date.parse(iso) / 1000;
}

/** Milliseconds since 1970 → "20261123T033000Z". */
export function momentOf(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace(/[-:]|\.\d+/g, "");
}
