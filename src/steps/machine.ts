import type { Config } from "../config/config.js";
import type { Engine } from "../engine/engine.js";
import { KdockError } from "../errors.js";
import { ARCHITECTURES, architectureOf } from "../plan/architectures.js";
import { PLAIN } from "../plan/container-spec.js";
import { type CpuVerdict, cpuProbe, cpuVerdict, isHostCpu } from "../plan/cpu-model.js";
import { conflict, type DiskInUse, disksInUse } from "../plan/disks.js";
import {
  idleProcessors,
  NEEDS,
  requireOptions,
  requireRoomForModules,
} from "../plan/guest-needs.js";
import { FOLDER, labels } from "../plan/names.js";
import type { Plan } from "../plan/plan.js";
import type { VmSeat } from "../plan/seats.js";
import { configFor, type Found, vmPlan } from "../plan/vm-plan.js";
import type { Project } from "../project.js";
import { readKernelConfig, readManifest } from "./artifact-store.js";
import type { Context } from "./context.js";
import { findDisks, requireDisks } from "./disks.js";
import { runContainer } from "./run-container.js";
import { checkShares, transportFor } from "./shares.js";

/** What can be said about VMs before anything is built: rejects with a `config` error. */
export async function checkMachines(project: Project, names: readonly string[]): Promise<void> {
  const { ctx, config, plan } = project;
  await checkShares(project, names);
  const earlier: { readonly vm: string; readonly disks: readonly DiskInUse[] }[] = [];
  for (const name of names) {
    const seat = { name, index: 0 };
    const disks = await findDisks(ctx, configFor(config, seat).vm.disks);
    const own = { vm: name, disks: disksInUse(disks) };
    for (const other of earlier) {
      const shared = conflict(own.disks, other.disks);
      if (shared === undefined) continue;
      const both = `${other.vm} and ${name}`;
      throw new KdockError("config", `the disk ${shared.path} is a disk of both ${both}`, {
        hint: "Give each a copy, or have both read only: FILE:ro.",
      });
    }
    earlier.push(own);
    vmPlan(config, plan, { paused: false, command: false }, seat, { disks });
  }
}

/** Everything that QEMU would refuse, or leave the guest without, asked before it starts. */
export async function requireMachine(
  project: Pick<Project, "ctx" | "config" | "plan">,
  engine: Engine,
  seat: VmSeat,
): Promise<Found> {
  const { ctx, config, plan } = project;
  const transport = await transportFor(project, seat.name);
  const { vm } = configFor(config, seat);
  const disks = await findDisks(ctx, vm.disks);
  await requireDisks(ctx, engine, disks);
  const options = await readKernelConfig(ctx, plan.kernel.key);
  if (options !== undefined) {
    if (disks.length > 0) requireOptions(options, "--disk (vm.disks)", NEEDS.disk);
    if (vm.numa > 1)
      requireOptions(options, "--numa (vm.numa)", [...NEEDS.numa, ...architectureOf(config).numa]);
    const text = idleProcessors(options, vm.cpus);
    if (text !== undefined) ctx.reporter.emit({ type: "warning", text });
  }
  requireRoomForModules(vm.memoryMiB, await sizes(ctx, plan));
  if (vm.cpu !== undefined) await requireCpu(ctx, plan, seat.name, vm);
  return { transport, disks };
}

/** Of what the guest gets as its initramfs, in bytes. */
async function sizes(ctx: Context, plan: Plan): Promise<{ modules: number; rootfs: number }> {
  const size = async (stage: string, key: string, file: string) =>
    (await readManifest(ctx, stage, key))?.files.find(({ path }) => path === file)?.size ?? 0;
  return {
    modules: await size("kernel", plan.kernel.key, FOLDER.modulesCpio),
    rootfs: await size("rootfs", plan.rootfs.key, "rootfs.cpio"),
  };
}

async function requireCpu(
  ctx: Context,
  plan: Plan,
  name: string,
  { cpu = "", accel }: Config["vm"],
): Promise<void> {
  if (isHostCpu(cpu)) return;
  const verdict = await askQemu(ctx, plan, name, cpu);
  if (verdict.kind === "refused") {
    throw new KdockError("config", `vm.cpu: ${cpu}: ${verdict.problem}`, { hint: verdict.hint });
  }
  if (verdict.lacking.length === 0 || accel === "kvm") return;
  const text = `under emulation (tcg) the processor ${cpu} is without ${verdict.lacking.join(", ")}`;
  ctx.reporter.emit({ type: "notice", text });
}

/** The VM's own image has the QEMU that counts. */
async function askQemu(ctx: Context, plan: Plan, name: string, cpu: string): Promise<CpuVerdict> {
  const [program = "", ...rest] = cpuProbe(cpu, ARCHITECTURES[plan.arch]);
  const lines: string[] = [];
  await runContainer(
    ctx,
    {
      ...PLAIN,
      name: plan.names.cpuContainer(name),
      image: plan.vmImage.tag,
      entrypoint: [program],
      command: rest,
      env: {},
      labels: labels("cpu", plan.names.id),
      mounts: [],
      network: "none",
      hostname: undefined,
      capDrop: ["ALL"],
    },
    { onLine: (line) => lines.push(line) },
  );
  return cpuVerdict(cpu, lines, ARCHITECTURES[plan.arch]);
}
