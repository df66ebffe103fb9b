import { rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import type { Container } from "../../src/engine/engine.js";
import type { Context } from "../../src/core/steps/context.js";
import { extractFolder } from "../../src/build/steps/extract.js";
import { LAB } from "../support/lab.js";
import { projectNames } from "../../src/core/plan/names.js";
import { bareMake, engine, host, kdock, median, plan, report, SMOKE } from "./common.js";
import { toyProject } from "./toy-project.js";

/** Start-up and a build with nothing to do. */
export async function commandLine(): Promise<void> {
  const bare = await median(() => execa("node", ["-e", "0"]));
  report("kdock --help", await median(() => kdock("--help")), "node -e 0", bare);
  report("kdock build, nothing owed", await median(() => kdock("build")), "node -e 0", bare);
}

/** One touched source file: kdock's build script against bare make, in the same image and volumes. */
export async function incremental(): Promise<void> {
  await using built = SMOKE ? await toyBuild() : labBuild();
  const { image } = plan.kernel.container;
  const inBuilder = (script: string) =>
    execa("docker", ["run", "--rm", ...built.docker, "--entrypoint", "sh", image, "-c", script]);
  const touch = `touch /src/${built.file}`;
  const environment =
    ". /dev/null; export KBUILD_BUILD_TIMESTAMP=\"$(LC_ALL=C date -u -d @$(stat -c %Y /src/Makefile) '+%a %b %e %T UTC %Y')\" KBUILD_BUILD_USER=kdock KBUILD_BUILD_HOST=kdock KBUILD_BUILD_VERSION=1 LOCALVERSION= KCONFIG_NOTIMESTAMP=1";
  const make = `${bareMake("/build")} ${built.targets}`;
  const compile = `${touch}; sh /usr/local/lib/kdock/build.sh compile`;
  await inBuilder(compile);
  const ours = await median(() => inBuilder(compile));
  const bare = await median(() => inBuilder(`${touch}; ${environment}; ${make}`));
  report("one touched file, build.sh", ours, "one touched file, bare make", bare);
}

interface Build extends AsyncDisposable {
  /** Words for docker run. */
  readonly docker: readonly string[];
  /** One of the source's. */
  readonly file: string;
  readonly targets: string;
}

function labBuild(): Build {
  const { mounts } = plan.kernel.container;
  return {
    docker: mounts.flatMap(({ volume, target }) => ["-v", `${volume}:${target}`]),
    file: "net/ipv4/tcp_ipv4.c",
    targets: "bzImage scripts_gdb modules",
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

async function toyBuild(): Promise<Build> {
  const project = await toyProject();
  await project.kdock("build", "kernel");
  const filters = ["--filter", `label=io.kdock.project=${projectNames(project.folder).id}`];
  const { stdout } = await execa("docker", ["volume", "ls", "-q", ...filters]);
  const objects = stdout.split("\n").find((name) => name.includes("-build-"));
  if (objects === undefined) throw new Error(`no volume of objects among ${stdout}`);
  // As a source that a builder has fetched.
  await writeFile(join(project.folder, "linux/.kdock-source"), "spec path:./linux\norigin toy\n");
  await execa("chmod", ["-R", "a+rwX", join(project.folder, "linux")]);
  return {
    docker: [
      ...["-v", `${project.folder}/linux:/src`, "-v", `${objects}:/build`],
      ...["-v", `${project.folder}/toy.config:/in/base.config:ro`, "-e", "KDOCK_PRESET=file"],
    ],
    file: "net/one.c",
    targets: "bzImage",
    [Symbol.asyncDispose]: () => project[Symbol.asyncDispose](),
  };
}

/** vmlinux and what goes with it out of a container: against docker cp. */
export async function extraction(): Promise<void> {
  const { container: spec } = plan.kernel;
  await using container: Container = await engine.createContainer(
    { ...spec, name: `${spec.name}-bench`, mounts: [], command: ["true"] },
    AbortSignal.timeout(600_000),
  );
  const from = `${LAB}/.kdock/out/current/kernel/vmlinux`;
  await execa("docker", ["cp", "-L", from, `${container.id}:/out/vmlinux`]);
  const target = join(tmpdir(), "kdock-bench");
  const ctx = { host, signal: AbortSignal.timeout(600_000) } as unknown as Context;
  const log = { line: () => undefined, phase: () => undefined, progress: () => undefined };
  const ours = await median(async () => {
    await rm(target, { recursive: true, force: true });
    await host.files.makeFolder(target);
    await extractFolder(ctx, container, "/out", target, log);
  });
  const bare = await median(async () => {
    await rm(target, { recursive: true, force: true });
    await execa("docker", ["cp", `${container.id}:/out`, target]);
  });
  await rm(target, { recursive: true, force: true });
  report("extract vmlinux, with sha256", ours, "docker cp", bare);
}
