import { execa } from "execa";
import { symbolsVolume } from "../../src/plan/debugger-plan.js";
import { vmPlan } from "../../src/plan/vm-plan.js";
import { LAB } from "../support/lab.js";
import { config, engine, kdock, median, medianOf, plan, report } from "./common.js";

/** A boot, and what debuggers do with one. */
export async function debugging(): Promise<void> {
  await trapping(await boot());
  await loading();
  await stepping();
}

/**
 * Boot, one command, power off: against QEMU with the same arguments whose guest powers off by itself. Resolves with what
 * that took.
 */
async function boot(): Promise<number> {
  const mode = { paused: false, command: true };
  const least = vmPlan(config, plan, mode).attempts.findLast(
    ({ without }) => without === undefined,
  )?.container;
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
