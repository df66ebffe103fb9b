/**
 * kdock against the bare tools, in the same run, as ratios: `npm run bench`. Needs what scripts/quickstart.sh built.
 * Parts may be named: `npm run bench debugging`. Every figure is the median of several runs; the machine's noise is in both
 * sides of a ratio.
 */
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { execa } from "execa";
import { connectEngine } from "../../src/engine/connect.js";
import type { Container } from "../../src/engine/engine.js";
import { createNodeHost } from "../../src/host/node-host.js";
import { loadConfig } from "../../src/config/layers.js";
import { parseLock } from "../../src/lock/lock-text.js";
import { symbolsVolume } from "../../src/plan/debugger-plan.js";
import { makePlan } from "../../src/plan/plan.js";
import { DEFAULT_VM } from "../../src/plan/names.js";
import { vmPlan } from "../../src/plan/vm-plan.js";
import { readAssets } from "../../src/project.js";
import type { Context } from "../../src/steps/context.js";
import { extractFolder } from "../../src/steps/extract.js";
import { CLI } from "../support/kdock.js";
import { LAB } from "../support/lab.js";

const RUNS = 3;
const host = createNodeHost({ env: process.env });
const config = loadConfig({});
const lock = parseLock(readFileSync(join(LAB, "kdock.lock"), "utf8"), "kdock.lock");
const assets = await readAssets(host.files);
const NO_FILES = {
  kernelFragments: [],
  kernelPreset: undefined,
  kernelPatches: [],
  moduleKey: undefined,
  initramfs: [],
  busyboxFragments: [],
  overlay: [],
  initScripts: [],
};
const plan = makePlan({ folder: LAB, config, assets, user: NO_FILES, lock });
const engine = await connectEngine({
  env: process.env,
  home: process.env["HOME"] ?? "/root",
  onLeak: () => undefined,
});

function median(work: () => Promise<unknown>): Promise<number> {
  return medianOf(async () => {
    const start = performance.now();
    await work();
    return performance.now() - start;
  });
}

async function medianOf(measure: () => Promise<number>): Promise<number> {
  const times: number[] = [];
  for (let run = 0; run < RUNS; run += 1) times.push(await measure());
  return times.sort((a, b) => a - b)[Math.floor(RUNS / 2)] ?? NaN;
}

const kdock = (...args: string[]) => execa("node", [CLI, ...args], { cwd: LAB, stdin: "ignore" });

function report(what: string, ms: number, bareName: string, bareMs: number): void {
  const ratio = (ms / bareMs).toFixed(2);
  const difference = (ms - bareMs).toFixed(0);
  process.stdout.write(
    `${what.padEnd(34)} ${figure(ms)} ms   ${bareName.padEnd(30)} ${figure(bareMs)} ms   ×${ratio}  ${difference} ms more\n`,
  );
}

/** Milliseconds; where there are few, to a tenth. */
function figure(ms: number): string {
  return ms.toFixed(ms < 100 ? 1 : 0).padStart(6);
}

/** Start-up and a build with nothing to do. */
async function commandLine(): Promise<void> {
  const bare = await median(() => execa("node", ["-e", "0"]));
  report("kdock --help", await median(() => kdock("--help")), "node -e 0", bare);
  report("kdock build, nothing owed", await median(() => kdock("build")), "node -e 0", bare);
}

/**
 * Boot, one command, power off: against QEMU with the same arguments whose guest powers off by itself. Resolves with what
 * that took.
 */
async function boot(): Promise<number> {
  const mode = { paused: false, command: true };
  const least = vmPlan(config, plan, mode).attempts.at(-1)?.container;
  if (least === undefined) throw new Error("no way to start a VM");
  const folder = `${LAB}/.kdock/out/current`;
  await using container = await engine.createContainer(
    { ...least, name: `${least.name}-bench`, network: undefined, ports: [], command: ["sleep"] },
    AbortSignal.timeout(600_000),
  );
  await execa("docker", [
    "cp",
    "-L",
    `${folder}/kernel/bzImage`,
    `${container.id}:/artifacts/kernel/`,
  ]);
  await execa("docker", [
    "cp",
    "-L",
    `${folder}/rootfs/rootfs.cpio`,
    `${container.id}:/artifacts/rootfs/`,
  ]);
  await execa("docker", ["commit", container.id, "kdock-bench/vm"]);
  const append = "console=ttyS0 nokaslr panic=-1 quiet rdinit=/bin/busybox -- poweroff -f";
  const argv = least.command.map((arg, at) => (least.command[at - 1] === "-append" ? append : arg));
  const flags = ["--cap-add", "NET_ADMIN", "--device", "/dev/net/tun", "--rm", "-t"];
  const env = Object.entries(least.env).flatMap(([name, value]) => ["-e", `${name}=${value}`]);
  const script =
    'exec 3>/tmp/t; sed -i "s|^exec .as_qemu|date +%s%N >\\&3; \\$as_qemu|" /usr/local/lib/kdock/start.sh; sh /usr/local/lib/kdock/start.sh "$@" >/dev/null; echo $(( ($(date +%s%N) - $(cat /tmp/t)) / 1000000 ))';
  const bareMs = await medianOf(async () => {
    const { stdout } = await execa("docker", [
      ...["run", ...flags, "--sysctl", "net.ipv4.ip_forward=1", ...env],
      ...["--entrypoint", "sh", "kdock-bench/vm", "-c", script, "sh", ...argv],
    ]);
    return Number(/(\d+)\s*$/.exec(stdout)?.[1]);
  });
  await execa("docker", ["rmi", "-f", "kdock-bench/vm"]);
  report(
    "kdock run -- true",
    await median(() => kdock("run", "--gdb", "0", "--", "true")),
    "bare QEMU, same arguments",
    bareMs,
  );
  return bareMs;
}

/** From a built state to the backtrace that was asked for. Target: what a boot costs, and 3 s. */
async function trapping(bootMs: number): Promise<void> {
  const ms = await medianOf(async () => {
    const start = performance.now();
    const trap = kdock("trap", "kernel_clone", "--exec", "ls", "--bt", "--gdb", "0");
    const printed = new Promise<number>((resolve) => {
      trap.stdout.on("data", (chunk) => {
        if (String(chunk).includes("#0")) resolve(performance.now() - start);
      });
    });
    await trap;
    return printed;
  });
  report("kdock trap, to the backtrace", ms, "bare QEMU boot (+ 3000 ms)", bootMs);
}

/** gdb's own time until it knows a function. Target: a second with the index, which was made once. */
async function loading(): Promise<void> {
  const { name } = symbolsVolume(plan.names, plan.kernel.key);
  const load = (cache: "on" | "off") =>
    medianOf(async () => {
      const script = `s=$(date +%s%N); gdb -nx -batch -iex 'set auto-load no' -iex 'set index-cache directory /out/index' -iex 'set index-cache enabled ${cache}' -ex 'info line tcp_v4_rcv' /out/vmlinux >/dev/null; echo $((($(date +%s%N) - s) / 1000000))`;
      const volume = `${name}:/out:ro`;
      const { stdout } = await execa("docker", [
        ...["run", "--rm", "--network", "none", "-v", volume, "--entrypoint", "sh"],
        ...[plan.gdbImage.tag, "-c", script],
      ]);
      return Number(stdout);
    });
  report("gdb knows vmlinux, with its index", await load("on"), "without", await load("off"));
}

/** One instruction. Target: 20 ms from this machine, over the published port. */
async function stepping(): Promise<void> {
  const { stdout } = await kdock("--json", "run", "-d", "--gdb", "0");
  const started = stdout.split("\n").map((line) => JSON.parse(line) as Started);
  const { container = "", gdb = "" } = started.find(({ type }) => type === "result")?.data ?? {};
  const gdbAt = (target: string) => [
    ...["-nx", "-batch", "-iex", "set architecture i386:x86-64", "-ex", `target remote ${target}`],
    ...["-ex", `python import time; start = time.monotonic()`],
    ...["-ex", `python for step in range(${STEPS}): gdb.execute("stepi", to_string=True)`],
    ...["-ex", `python print("step", (time.monotonic() - start) * 1000 / ${STEPS})`],
    ...["-ex", "detach"],
  ];
  const step = (program: string, args: readonly string[]) =>
    medianOf(async () => {
      const { stdout: said } = await execa(program, args, { stdin: "ignore" });
      return Number(/^step ([\d.]+)$/m.exec(said)?.[1]);
    });
  const beside = ["run", "--rm", "--network", `container:${container}`, "--entrypoint", "gdb"];
  const direct = [...beside, plan.gdbImage.tag, ...gdbAt("127.0.0.1:1234")];
  const ours = await step("gdb", gdbAt(gdb));
  report("a step, over the published port", ours, "gdb beside QEMU", await step("docker", direct));
  await kdock("stop");
}

const STEPS = 100;

interface Started {
  readonly type: string;
  readonly data?: { readonly container: string; readonly gdb: string };
}

/** One touched source file: kdock's build script against bare make, in the same image and volumes. */
async function incremental(): Promise<void> {
  const { container: spec } = plan.kernel;
  const volumes = spec.mounts.flatMap(({ volume, target }) => ["-v", `${volume}:${target}`]);
  const inBuilder = (script: string) =>
    execa("docker", ["run", "--rm", ...volumes, "--entrypoint", "sh", spec.image, "-c", script]);
  const touch = "touch /src/net/ipv4/tcp_ipv4.c";
  const environment =
    ". /dev/null; export KBUILD_BUILD_TIMESTAMP=\"$(LC_ALL=C date -u -d @$(stat -c %Y /src/Makefile) '+%a %b %e %T UTC %Y')\" KBUILD_BUILD_USER=kdock KBUILD_BUILD_HOST=kdock KBUILD_BUILD_VERSION=1 LOCALVERSION= KCONFIG_NOTIMESTAMP=1";
  const make =
    'make -C /src O=/build CC="ccache gcc-14" HOSTCC=gcc-14 HOSTCFLAGS="-O2 -fcommon" -j"$(nproc)" bzImage scripts_gdb modules';
  await inBuilder(`${touch}; sh /usr/local/lib/kdock/build.sh compile`);
  const ours = await median(() => inBuilder(`${touch}; sh /usr/local/lib/kdock/build.sh compile`));
  const bare = await median(() => inBuilder(`${touch}; ${environment}; ${make}`));
  report("one touched file, build.sh", ours, "one touched file, bare make", bare);
}

/** vmlinux and what goes with it out of a container: against docker cp. */
async function extraction(): Promise<void> {
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

/** The guest at hand: against docker's own exec and cp into the VM's container, which are half of the way. */
async function guest(): Promise<void> {
  await kdock("stop");
  await kdock("run", "-d", "--gdb", "0");
  const vm = plan.names.vmContainer(DEFAULT_VM);
  const bareExec = await median(() => execa("docker", ["exec", vm, "true"]));
  report(
    "kdock exec -- true",
    await median(() => kdock("exec", "--", "true")),
    "docker exec",
    bareExec,
  );
  const twenty = () => Promise.all(Array.from({ length: 20 }, () => kdock("exec", "--", "true")));
  report("20 at once", await median(twenty), "one docker exec", bareExec);

  const folder = await mkdtemp(join(tmpdir(), "kdock-bench-"));
  const here = join(folder, "file");
  await writeFile(here, randomBytes(COPY_BYTES));
  const inMs = await median(() => kdock("cp", here, ":/tmp/file"));
  const outMs = await median(() => kdock("cp", ":/tmp/file", join(folder, "back")));
  const bareIn = await median(() => execa("docker", ["cp", here, `${vm}:/tmp/file`]));
  report(`kdock cp, 10 MiB in, ${rate(inMs)}`, inMs, "docker cp", bareIn);
  report(`kdock cp, 10 MiB out, ${rate(outMs)}`, outMs, "docker cp", bareIn);
  await rm(folder, { recursive: true, force: true });
  await kdock("stop");
}

const COPY_BYTES = 10 << 20;

function rate(ms: number): string {
  return `${(COPY_BYTES / 1000 / ms).toFixed(1)} MB/s`;
}

/** A boot, and what debuggers do with one. */
async function debugging(): Promise<void> {
  await trapping(await boot());
  await loading();
  await stepping();
}

const PARTS = { commandLine, guest, extraction, debugging, incremental };
const asked = process.argv.slice(2);
for (const [name, measure] of Object.entries(PARTS)) {
  if (asked.length === 0 || asked.includes(name)) await measure();
}
