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
 * What mmdebstrap copies from this machine gets fixed contents, and what would be deleted in a layer above, where a
 * deletion is dated by the clock, goes here. The engine mounts something over the first three files during a build;
 * where one is missing, engines before 23 make it, and date /etc by that.
 */
const CLEAN_UP = [
  'cd "$1"',
  "echo localhost > etc/hostname",
  ": > etc/resolv.conf",
  'printf "127.0.0.1 localhost\\n::1 localhost\\n" > etc/hosts',
  // mmdebstrap copies this machine's modes of these files. Any modes would do; these are those of the base images that
  // locks name already.
  "chmod 755 etc/hostname etc/resolv.conf && chmod 644 etc/hosts",
  "rm -f etc/dpkg/dpkg.cfg.d/99mmdebstrap",
  "rm -f var/cache/debconf/*-old var/lib/dpkg/*-old var/cache/ldconfig/aux-cache",
  "find var/log -type f -exec truncate --size 0 {} +",
  "{ [ ! -e etc/machine-id ] || : > etc/machine-id; }",
].join(" && ");

const SOURCE_LINE = "kdock-source: ";

/**
 * What mmdebstrap would write down if nobody named a mirror. It does so before it asks for anything, and is stopped
 * there.
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
 * A mirror's name is nobody's but the user's, who tells it to every build: the image has the usual sources, so that it is
 * the same image whichever mirror it came from, and of use to a project without one.
 */
function writeSources(lines: readonly string[]): string {
  const quoted = lines.map((line) => `'${line.replaceAll("'", "'\\''")}'`);
  return `rm -f "$1"/etc/apt/sources.list.d/* && printf '%s\\n' ${quoted.join(" ")} > "$1"/etc/apt/sources.list`;
}

/** A root file system's tar on this machine's disk. */
export interface Rootfs {
  readonly size: number;
  readonly sha256: string;
  readonly fingerprint: string;
  readonly open: () => Promise<Readable>;
}

export interface RootfsRequest {
  readonly suite: string;
  /** Of the packages; another one than this machine's takes qemu-user in binfmt_misc. */
  readonly architecture: EngineArchitecture;
  /** Lines of sources.list; none: mmdebstrap's own default. */
  readonly sources: readonly string[];
  /** Absolute, and what is there is overwritten. */
  readonly path: string;
  /** Seconds since 1970; no file is dated later. */
  readonly created: number;
}

/** Runs mmdebstrap. The same packages and date give the same bytes, on whichever machine it runs. */
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
    // No fsync after every file: a machine that loses its power here starts anew anyway.
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
