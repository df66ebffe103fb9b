import type { Config } from "../../config/config.js";
import { type EngineInfo, isOnThisMachine } from "../../engine/engine.js";
import { KdockError, messageOf } from "../../core/errors.js";
import { type Finding, ok } from "../../core/plan/finding.js";
import {
  ARCHITECTURES,
  debuggerOn,
  type EngineArchitecture,
  engineArchitecture,
  runsNatively,
} from "../../core/plan/architectures.js";
import { basePlan } from "../../build/plan/image-plan.js";
import type { Context } from "../../core/steps/context.js";
import { hostDebugger } from "../../debug/steps/host-debugger.js";

/** Below this a debug kernel's objects, sources and images do not fit: 2 GB each, about. */
const NEEDED_BYTES = 8e9;

/** Looks at the machine and the engine, changing nothing. "fail" means that build or run cannot work. */
export async function diagnose(ctx: Context, config: Config): Promise<Finding[]> {
  const { finding, info } = await engineFinding(ctx);
  const { finding: machine, architecture } = machineFinding(config, info);
  return [
    ...[finding, ...machine],
    ...(info === undefined ? [] : await onThisMachine(ctx, config, info)),
    ...(architecture === undefined ? [] : [await baseFinding(ctx, config, architecture)]),
    await gdbPortFinding(ctx, config),
    await gdbFinding(ctx, config),
  ];
}

async function engineFinding(ctx: Context): Promise<{ finding: Finding; info?: EngineInfo }> {
  try {
    const info = await (await ctx.engine()).info();
    const name = `${info.kind === "podman" ? "Podman " : ""}${info.version} at ${info.endpoint}`;
    const size = `${info.cpus} cpus, ${gib(info.memoryBytes)}`;
    const text = `${name}, ${size}${info.rootless ? ", rootless: no --net host" : ""}`;
    return { finding: ok("engine", text), info };
  } catch (error) {
    ctx.signal.throwIfAborted();
    return { finding: failed("engine", error) };
  }
}

function failed(subject: string, error: unknown): Finding {
  const mend = error instanceof KdockError ? error.hint : undefined;
  return { verdict: "fail", subject, text: messageOf(error), mend };
}

/** What the engine's machine runs and compiles by itself, and what not. */
function machineFinding(
  { kernel: { arch } }: Config,
  info: EngineInfo | undefined,
): { finding: Finding[]; architecture?: EngineArchitecture } {
  if (info === undefined) return { finding: [] };
  try {
    const architecture = engineArchitecture(info.architecture);
    const text =
      arch === architecture
        ? `${arch}: kernels of ${arch} are compiled by its own compiler`
        : `${architecture}: kernels of ${arch} are compiled by a cross compiler, and their guests are emulated`;
    return { finding: [ok("machine", text)], architecture };
  } catch (error) {
    return { finding: [failed("machine", error)] };
  }
}

/** Devices and disk can only be looked at when the engine is on this very machine. */
async function onThisMachine(ctx: Context, config: Config, info: EngineInfo): Promise<Finding[]> {
  // Docker Desktop and the like have it in a virtual machine, with a socket here.
  const isHere = isOnThisMachine(info) && (await ctx.host.files.exists("/proc/sys"));
  if (!isHere) {
    return [ok("devices", "the engine is on another machine: start.sh looks at them there")];
  }
  return [await tunFinding(ctx), await kvmFinding(ctx, config, info), await diskFinding(ctx, info)];
}

async function tunFinding(ctx: Context): Promise<Finding> {
  if (await ctx.host.files.exists("/dev/net/tun")) return ok("tun", "/dev/net/tun is there");
  return {
    verdict: "warn",
    subject: "tun",
    text: "no /dev/net/tun: guests have QEMU's own network instead of a bridge (vm.net.mode: user)",
    mend: "Run `modprobe tun` as root (inside a VM or container: ask for the device from outside).",
  };
}

async function kvmFinding(ctx: Context, config: Config, info: EngineInfo): Promise<Finding> {
  const { arch } = config.kernel;
  if (!runsNatively(info.architecture, arch)) {
    const { qemu } = ARCHITECTURES[arch];
    const text = `guests of ${arch} are emulated (${qemu.program}): KVM runs those of ${info.architecture} only`;
    return ok("kvm", text);
  }
  const device = await ctx.host.files.exists("/dev/kvm");
  const cpuinfo = (await ctx.host.files.readText("/proc/cpuinfo")) ?? "";
  // Other processors do not say; images/vm/start.sh decides alike.
  const flags = arch !== "x86_64" || /^flags.*\b(vmx|svm)\b/m.test(cpuinfo);
  if (device && flags) return ok("kvm", "usable: guests run at full speed");
  return {
    verdict: "warn",
    subject: "kvm",
    text: device
      ? "/dev/kvm is there, but the processor shows neither vmx nor svm: guests are emulated (tcg)"
      : "no /dev/kvm: guests are emulated (tcg), which is slower and debugs as well",
    mend: "Switch on virtualisation in the firmware, or nested virtualisation for this VM. Not needed.",
  };
}

async function diskFinding(ctx: Context, info: EngineInfo): Promise<Finding> {
  const free = await ctx.host.freeBytes(info.rootDir);
  if (free === undefined) return ok("disk", `${info.rootDir} is not visible from here`);
  const text = `${gib(free)} free in ${info.rootDir}`;
  if (free >= NEEDED_BYTES) return ok("disk", text);
  return {
    verdict: "warn",
    subject: "disk",
    text,
    mend: `Free some: images, sources and objects take up to ${gib(NEEDED_BYTES)}. \`kdock clean --all --dry-run\` lists kdock's part.`,
  };
}

async function baseFinding(
  ctx: Context,
  config: Config,
  architecture: EngineArchitecture,
): Promise<Finding> {
  const base = basePlan("trixie", config.images, architecture);
  const engine = await ctx.engine();
  for (const ref of [base.registryRef, base.bootstrapTag]) {
    if (ref !== undefined && (await engine.findImage(ref)) !== undefined) {
      return ok("base image", `${ref} is there`);
    }
  }
  if (await ctx.host.which("mmdebstrap")) {
    return ok("base image", "none yet; without a registry mmdebstrap makes it");
  }
  return {
    verdict: "warn",
    subject: "base image",
    text: `none yet; it must come from ${base.registryRef ?? "nowhere: images.registry is none"}`,
    mend: "Where no registry can be reached: apt-get install mmdebstrap.",
  };
}

async function gdbPortFinding(ctx: Context, config: Config): Promise<Finding> {
  const { address, port } = config.gdb.listen;
  if (!config.gdb.enable) return ok("gdb port", "gdb is switched off");
  if (port === 0 || (await ctx.host.portIsFree(address, port))) {
    return ok("gdb port", port === 0 ? "any free one" : `${address}:${port} is free`);
  }
  const owner = await ctx.host.portOwner(port);
  return {
    verdict: "warn",
    subject: "gdb port",
    text: `${address}:${port} is taken${owner === undefined ? "" : ` by ${owner}`}`,
    mend: "`kdock run --gdb 0` takes any free one.",
  };
}

async function gdbFinding(ctx: Context, config: Config): Promise<Finding> {
  const row = ARCHITECTURES[config.kernel.arch];
  const program = await hostDebugger(ctx, row);
  const gdb = program === undefined ? undefined : await ctx.host.which(program);
  if (gdb !== undefined) return ok("gdb", gdb);
  const isThere = (await ctx.host.which("gdb")) !== undefined;
  return {
    verdict: "warn",
    subject: "gdb",
    text: isThere
      ? `the gdb on this machine knows no ${row.gdbArch}; \`kdock gdb\` needs none`
      : "no gdb on this machine; `kdock gdb` needs none",
    mend: `apt-get install ${isThere ? "gdb-multiarch" : debuggerOn(ctx.host.machine, config.kernel.arch)}.`,
  };
}

function gib(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(1)} GiB`;
}
