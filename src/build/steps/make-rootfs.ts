import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { tarFingerprint } from "../../archive/tar-fingerprint.js";
import {
  ARCHITECTURES,
  type EngineArchitecture,
  runsNatively,
} from "../../core/plan/architectures.js";
import type { Context } from "../../core/steps/context.js";
import { measuredStream } from "../../core/steps/measured-stream.js";
import type { StepLog } from "../../core/steps/run-step.js";

/**
 * Gives fixed contents to files that mmdebstrap copies from the host, and removes files here that would otherwise be deleted in a
 * later layer, where a deletion sets the time of the folder. The engine mounts over the first three files during a build; engines
 * before 23 create a missing one, which changes the time of /etc.
 */
const CLEAN_UP = [
  'cd "$1"',
  "echo localhost > etc/hostname",
  ": > etc/resolv.conf",
  'printf "127.0.0.1 localhost\\n::1 localhost\\n" > etc/hosts',
  // mmdebstrap copies the modes of the host's files. Any fixed modes would do; these keep the digests of existing locks.
  "chmod 755 etc/hostname etc/resolv.conf && chmod 644 etc/hosts",
  "rm -f etc/dpkg/dpkg.cfg.d/99mmdebstrap",
  "rm -f var/cache/debconf/*-old var/lib/dpkg/*-old var/cache/ldconfig/aux-cache",
  "find var/log -type f -exec truncate --size 0 {} +",
  "{ [ ! -e etc/machine-id ] || : > etc/machine-id; }",
].join(" && ");

const SOURCE_LINE = "kdock-source: ";

/**
 * mmdebstrap's default sources.list. It is written before any download; the second hook stops mmdebstrap there.
 */
async function defaultSources(ctx: Context, suite: string): Promise<string[]> {
  const lines: string[] = [];
  const hooks = [`sed 's/^/${SOURCE_LINE}/' "$1"/etc/apt/sources.list >&2`, "exit 1"];
  const argv = [
    ...["mmdebstrap", "--variant=custom", "--format=null"],
    ...hooks.map((hook) => `--setup-hook=${hook}`),
    ...[suite, "-"],
  ];
  const onStderr = (line: string) => {
    if (line.startsWith(SOURCE_LINE)) lines.push(line.slice(SOURCE_LINE.length));
  };
  try {
    await ctx.host.capture(argv, { signal: ctx.signal, onStderr });
  } catch (error) {
    ctx.signal.throwIfAborted();
    if (lines.length === 0) throw error;
  }
  return lines;
}

/**
 * Writes the default sources into the image instead of the mirror, which each build gets from kdock.yaml: the image is then the
 * same for every mirror.
 */
function writeSources(lines: readonly string[]): string {
  const quoted = lines.map((line) => `'${line.replaceAll("'", "'\\''")}'`);
  return `rm -f "$1"/etc/apt/sources.list.d/* && printf '%s\\n' ${quoted.join(" ")} > "$1"/etc/apt/sources.list`;
}

/** A root file system's tar on the host. */
export interface Rootfs {
  readonly size: number;
  readonly sha256: string;
  readonly fingerprint: string;
  readonly open: () => Promise<Readable>;
}

export interface RootfsRequest {
  readonly suite: string;
  /** Of the packages; if not the host's, needs qemu-user in binfmt_misc. */
  readonly architecture: EngineArchitecture;
  /** Lines of sources.list; if empty, mmdebstrap's default. */
  readonly sources: readonly string[];
  /** Absolute; an existing file is overwritten. */
  readonly path: string;
  /** Seconds since 1970; no file is dated later. */
  readonly created: number;
}

/** Runs mmdebstrap. Equal packages and dates give the same bytes on every machine. */
export async function makeRootfs(
  ctx: Context,
  { suite, architecture, sources, path, created }: RootfsRequest,
  log: StepLog,
): Promise<Rootfs> {
  const usual = sources.length > 0 ? [writeSources(await defaultSources(ctx, suite))] : [];
  const hooks = [CLEAN_UP, ...usual];
  const foreign = runsNatively(ctx.host.machine, architecture)
    ? []
    : [`--architectures=${ARCHITECTURES[architecture].debianArch}`];
  const argv = [
    // No fsync after every file: after a power failure the bootstrap starts again anyway.
    ...["mmdebstrap", "--variant=minbase", "--format=tar", "--dpkgopt=force-unsafe-io"],
    ...foreign,
    ...hooks.map((hook) => `--customize-hook=${hook}`),
    ...[suite, "-", ...sources],
  ];
  const tar = await ctx.host.stream(argv, {
    signal: ctx.signal,
    env: { SOURCE_DATE_EPOCH: String(created) },
    onStderr: (line) => {
      log.line(line);
    },
  });
  const measured = measuredStream();
  await ctx.host.files.remove(path);
  await pipeline(tar, measured.through, await ctx.host.files.writeStream(path, 0o600));
  const open = () => ctx.host.stream(["cat", path], { signal: ctx.signal });
  return {
    ...measured.facts(),
    fingerprint: await tarFingerprint(await open()),
    open,
  };
}
