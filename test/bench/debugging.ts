import { execa } from "execa";
import { ARCHITECTURES } from "../../src/core/plan/architectures.js";
import { symbolsVolume } from "../../src/build/plan/debugger-plan.js";
import { vmPlan } from "../../src/vm/plan/vm-plan.js";
import { LAB } from "../support/lab.js";
import { config, kdock, median, medianOf, plan, report } from "./common.js";

/** A boot, and what debuggers do with one. */
export async function debugging(): Promise<void> {
  await trapping(await boot());
  await loading();
  await stepping();
}

/**
 * Boot, one command, power off: against QEMU alone, with the same arguments, whose guest powers off by itself. Resolves with
 * what that took.
 */
async function boot(): Promise<number> {
  const bareMs = await bareBoot();
  report(
    "kdock run -- true",
    await median(() => kdock("run", "--gdb", "0", "--", "true")),
    "bare QEMU, same arguments",
    bareMs,
  );
  return bareMs;
}

/** From the start of a container that is QEMU, but for its tap, to its end, by the engine's clock. */
async function bareBoot(): Promise<number> {
  const mode = { paused: false, command: true };
  const { attempts, qemu: args } = vmPlan(config, plan, mode);
  const least = attempts.findLast(({ without }) => without === undefined)?.container;
  if (least === undefined) throw new Error("no way to start a VM");
  const append = "console=ttyS0 nokaslr panic=-1 quiet rdinit=/bin/busybox -- poweroff -f";
  const argv = args.map((arg, at) => (args[at - 1] === "-append" ? append : arg));
  const qemu = `${ARCHITECTURES[plan.arch].qemu.program} -accel kvm -accel tcg -cpu max`;
  const name = `${least.name}-bench`;
  await execa("docker", [
    ...["create", "--name", name, "--cap-add", "NET_ADMIN", "--device", "/dev/net/tun"],
    ...["--entrypoint", "sh", plan.vmImage.tag, "-c"],
    ...[`ip tuntap add dev tap0 mode tap && exec ${qemu} "$@"`, "sh", ...argv],
  ]);
  try {
    for (const file of ["kernel/bzImage", "rootfs/rootfs.cpio"]) {
      const [folder = ""] = file.split("/");
      const from = `${LAB}/.kdock/out/current/${file}`;
      await execa("docker", ["cp", "-L", from, `${name}:/artifacts/${folder}/`]);
    }
    return await medianOf(async () => {
      await execa("docker", ["start", "-a", name]);
      const format = "{{.State.StartedAt}} {{.State.FinishedAt}}";
      const { stdout } = await execa("docker", ["inspect", "-f", format, name]);
      const [began = NaN, ended = NaN] = stdout.split(" ").map(Date.parse);
      return ended - began;
    });
  } finally {
    await execa("docker", ["rm", "-f", name]);
  }
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
