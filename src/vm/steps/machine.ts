import type { Config } from "../../config/config.js";
import type { Engine } from "../../engine/engine.js";
import { KdockError } from "../../core/errors.js";
import { ARCHITECTURES, architectureOf } from "../../core/plan/architectures.js";
import { PLAIN } from "../../core/plan/container-spec.js";
import { bootGaps } from "../../build/plan/boot-needs.js";
import { type CpuVerdict, cpuProbe, cpuVerdict, isHostCpu } from "../plan/cpu-model.js";
import { conflict, type DiskInUse, disksInUse } from "../plan/disks.js";
import { idleProcessors, NEEDS, requireOptions } from "../../build/plan/guest-needs.js";
import {
  type InitramfsSizes,
  kernelSize,
  requireGuestMemory,
} from "../../build/plan/guest-memory.js";
import { ignoredInitParameter, whyNoAgent } from "../../build/plan/guest-start.js";
import type { Manifest } from "../../core/plan/manifest.js";
import { FOLDER, labels } from "../../core/plan/names.js";
import type { Plan } from "../../build/plan/plan.js";
import type { VmSlot } from "../plan/slots.js";
import { panicDriver } from "../plan/vm-end.js";
import { configFor, type Found, type RunMode, vmPlan } from "../plan/vm-plan.js";
import type { Project } from "../../build/project.js";
import { artifactFolder, readKernelConfig, readManifest } from "../../core/steps/artifact-store.js";
import type { Context } from "../../core/steps/context.js";
import { findDisks, requireDisks } from "./disks.js";
import { runContainer } from "../../core/steps/run-container.js";
import { checkShares, transportFor } from "./shares.js";

/** What can be said about VMs before anything is built: rejects with a `config` error. */
export async function checkMachines(project: Project, names: readonly string[]): Promise<void> {
  const { ctx, config, plan } = project;
  await checkShares(project, names);
  const earlier: { readonly vm: string; readonly disks: readonly DiskInUse[] }[] = [];
  for (const name of names) {
    const slot = { name, index: 0 };
    const disks = await findDisks(ctx, configFor(config, slot).vm.disks);
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
    vmPlan(config, plan, { paused: false, command: false }, slot, { disks });
  }
}

/** Everything that QEMU would refuse, or leave the guest without, asked before it starts. */
export async function requireMachine(
  project: Pick<Project, "ctx" | "config" | "plan">,
  engine: Engine,
  slot: VmSlot,
  mode: Pick<RunMode, "command">,
): Promise<Found> {
  const { ctx, config, plan } = project;
  const transport = await transportFor(project, slot.name);
  const { vm } = configFor(config, slot);
  const disks = await findDisks(ctx, vm.disks);
  await requireDisks(ctx, engine, disks);
  const options = await readKernelConfig(ctx, plan.kernel.key);
  const noAgent = startOf(ctx, plan, vm, options);
  if (mode.command && noAgent !== undefined) {
    throw new KdockError("config", `no command can be run in the guest: ${noAgent}`, {
      hint: "`kdock run` shows its console. An init of your own may start kdock-agent in the background.",
    });
  }
  if (options !== undefined) {
    if (disks.length > 0) requireOptions(options, "--disk (vm.disks)", NEEDS.disk);
    if (vm.numa > 1)
      requireOptions(options, "--numa (vm.numa)", [...NEEDS.numa, ...architectureOf(config).numa]);
    const text = idleProcessors(options, vm.cpus);
    if (text !== undefined) ctx.reporter.emit({ type: "warning", text });
  }
  if (!vm.qemu.includes("-initrd")) await checkRoom(ctx, plan, vm, options ?? "");
  if (vm.cpu !== undefined) await requireCpu(ctx, plan, slot.name, vm);
  return {
    ...{ transport, disks, noAgent },
    panicDriver:
      options === undefined
        ? undefined
        : panicDriver(options, architectureOf(config).qemu.panicDevices, noAgent === undefined),
  };
}

/** Why the guest will have no agent, if so. Rejects with a `config` error where nothing at all would start. */
function startOf(
  ctx: Context,
  plan: Plan,
  { append, qemu }: Config["vm"],
  kernelConfig: string | undefined,
): string | undefined {
  const words = { append, qemu, kernelConfig };
  const dead = ignoredInitParameter(words);
  if (dead !== undefined) ctx.reporter.emit({ type: "warning", text: dead });
  if (kernelConfig === undefined) return whyNoAgent(plan.rootfs.init, words);
  const { noConsole, noAgent } = bootGaps(kernelConfig, ARCHITECTURES[plan.arch], plan.rootfs.init);
  if (noConsole !== undefined) ctx.reporter.emit({ type: "warning", text: noConsole });
  return whyNoAgent(plan.rootfs.init, words) ?? noAgent;
}

/** A root of a few MiB fits everywhere, and its kernel's symbols need not be read for that. */
const SURELY_FITS = { rootBytes: 8 * 2 ** 20, memoryMiB: 128, entries: 5000 };
/** Of a kernel whose symbols do not say. */
const KERNEL_BYTES = 32 * 2 ** 20;

async function checkRoom(
  ctx: Context,
  plan: Plan,
  { memoryMiB, append }: Config["vm"],
  config: string,
): Promise<void> {
  const sizes = await initramfsSizes(ctx, plan);
  const isSmall = sizes.packed < SURELY_FITS.rootBytes && sizes.entries < SURELY_FITS.entries;
  if (isSmall && memoryMiB >= SURELY_FITS.memoryMiB) return;
  const map = await ctx.host.files.readText(
    `${artifactFolder(ctx, "kernel", plan.kernel.key)}/System.map`,
  );
  const kernelBytes = kernelSize(map ?? "") ?? KERNEL_BYTES;
  const isX86 = ARCHITECTURES[plan.arch].sourceArch === "x86";
  requireGuestMemory({ memoryMiB, sizes, kernelBytes, config, append, isX86 });
}

async function initramfsSizes(ctx: Context, plan: Plan): Promise<InitramfsSizes> {
  const kernel = await readManifest(ctx, "kernel", plan.kernel.key);
  const rootfs = await readManifest(ctx, "rootfs", plan.rootfs.key);
  const sizeOf = (of: Manifest | undefined, file: string) =>
    of?.files.find(({ path }) => path === file)?.size ?? 0;
  const modules = sizeOf(kernel, FOLDER.modulesCpio);
  const packed = sizeOf(rootfs, "rootfs.cpio");
  // A root that an earlier kdock packed tells neither.
  const { unpacked = packed, entries = 0 } = rootfs?.resolved ?? {};
  return {
    packed: packed + modules,
    unpacked: Number(unpacked) + modules,
    entries: Number(entries),
    modules,
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
