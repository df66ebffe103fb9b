import type { Config } from "../config/config.js";
import type { Lock } from "../lock/lock.js";
import type { ContainerSpec, Labels, PublishedPort } from "./container-spec.js";
import type { Assets } from "./assets.js";
import {
  type Disk,
  diskFiles,
  type DiskInUse,
  diskLines,
  disksInUse,
  formatByName,
} from "./disks.js";
import { basePlan, type ImagePlan, imagePlan } from "./image-plan.js";
import { checkMachine } from "./machine-check.js";
import { INSIDE, LABEL, labels } from "./names.js";
import { guestNetwork } from "./network.js";
import { FIRST_SEAT, guestName, type VmSeat } from "./seats.js";
import type { Plan } from "./plan.js";
import { kernelCommandLine, type Machine, qemuArgs } from "./qemu-args.js";

/** How one start of the VM differs from another. */
export interface RunMode {
  /** Stopped before the first instruction. */
  readonly paused: boolean;
  /** For one command: no shell on the console, no boot messages. */
  readonly command: boolean;
  /** An absolute path for vm.dumpOnPanic, where it is not to be below .kdock. */
  readonly dumpTo?: string | undefined;
}

export interface VmPlan {
  readonly image: ImagePlan;
  readonly network: string;
  readonly facts: VmFacts;
  /** Tried in order until the engine starts one: the first is what was asked for. */
  readonly attempts: readonly VmAttempt[];
}

export interface VmAttempt {
  readonly container: ContainerSpec;
  readonly privilege: "privileged" | "least";
}

/** Everything a least-privilege VM container may do; PERF 105 and images/vm/start.sh say what each is for. */
export const LEAST = {
  capDrop: ["ALL"],
  capAdd: [
    "NET_ADMIN",
    "NET_RAW",
    "NET_BIND_SERVICE",
    "SETUID",
    "SETGID",
    "SETPCAP",
    "CHOWN",
    "FOWNER",
  ],
  devices: ["/dev/net/tun"],
  sysctls: { "net.ipv4.ip_forward": "1" },
  securityOpt: ["no-new-privileges"],
} as const;

export function vmImagePlan(config: Config, assets: Assets, lock: Lock | undefined): ImagePlan {
  return imagePlan(
    { name: "vm", dockerfile: "images/vm/Dockerfile", args: {} },
    basePlan("trixie", config.images, lock),
    assets,
    lock?.images["vm"],
  );
}

/** What a VM's label says about it, for those who come later. */
export interface VmFacts {
  /** "debian:6.12" */
  readonly kernel: string;
  /** Of the kernel's artifacts: which symbols belong to it. */
  readonly kernelKey: string;
  readonly paused: boolean;
  readonly dumpOnPanic: boolean;
  /** Absolute; undefined for a name by the time of the panic. */
  readonly dumpTo: string | undefined;
  readonly seat: VmSeat;
  /** The guest's. */
  readonly address: string;
  /** Files of the host. */
  readonly disks: readonly DiskInUse[];
}

/** What a VM's label says. */
export function vmFacts(of: Labels): VmFacts {
  const known = JSON.parse(of[LABEL.vm] ?? "{}") as Partial<VmFacts>;
  return {
    ...{ kernel: "", kernelKey: "", paused: false, address: "", seat: FIRST_SEAT },
    ...{ dumpOnPanic: false, dumpTo: undefined, disks: [], ...known },
  };
}

/** Where a VM's symbols are: its own kernel's, whatever kdock.yaml asks for by now. */
export function kernelKeyOf(of: Labels, { kernel }: Pick<Plan, "kernel">): string {
  return vmFacts(of).kernelKey || kernel.key;
}

/** How kdock.yaml's words apply to one of several VMs. */
export function configFor(config: Config, { name, index }: VmSeat): Config {
  const special = config.vms[name];
  const { listen } = config.gdb;
  // Each gdbserver has a port of its own, unless that is for the engine to find.
  const own = listen.port === 0 ? listen : { ...listen, port: listen.port + index };
  return {
    ...config,
    vm: { ...config.vm, ...special?.vm },
    gdb: { ...config.gdb, listen: special?.listen ?? own },
  };
}

export function vmPlan(
  common: Config,
  { names, vmImage: image, kernel }: Pick<Plan, "names" | "vmImage" | "kernel">,
  mode: RunMode,
  seat = FIRST_SEAT,
  disks: readonly Disk[] = unseenDisks(configFor(common, seat)),
): VmPlan {
  const config = configFor(common, seat);
  const planned = machine(config, mode, seat, disks);
  checkMachine(config, planned.commandLine);
  const facts: VmFacts = {
    kernel: config.kernel.source,
    kernelKey: kernel.key,
    paused: mode.paused,
    seat,
    address: guestNetwork(config.vm.net.subnet, seat.index).guest,
    dumpOnPanic: config.vm.dumpOnPanic,
    dumpTo: mode.dumpTo,
    disks: disksInUse(disks),
  };
  const least: ContainerSpec = {
    name: names.vmContainer(seat.name),
    image: image.tag,
    command: qemuArgs(planned),
    env: vmEnvironment(config, seat, disks),
    labels: {
      ...labels("vm", names.id),
      [LABEL.vm]: JSON.stringify(facts),
    },
    mounts: [],
    hostFiles: diskFiles(disks),
    ports: publishedPorts(config),
    network: names.network,
    hostname: "kdock",
    privileged: false,
    ...LEAST,
    tty: true,
    openStdin: true,
    stopSignal: undefined,
  };
  // A privileged container has every device and capability; the sysctl is needed in both.
  const privileged = { ...least, privileged: true, capDrop: [], capAdd: [], securityOpt: [] };
  // An engine without /dev/kvm refuses a container that names it; whether KVM works is start.sh's to find out.
  const withKvm = { ...least, devices: [...least.devices, "/dev/kvm"] };
  const attempts: VmAttempt[] = [
    ...(config.vm.privilege === "privileged" ? [attempt(privileged)] : []),
    ...(config.vm.accel === "tcg" ? [] : [attempt(withKvm)]),
    ...(config.vm.accel === "kvm" ? [] : [attempt(least)]),
  ];
  return { image, network: names.network, facts, attempts };
}

function attempt(container: ContainerSpec): VmAttempt {
  return { container, privilege: container.privileged ? "privileged" : "least" };
}

/** For those who only print: what nobody has looked at is told by its name. */
export function unseenDisks({ vm }: Config): readonly Disk[] {
  return vm.disks.map((disk) =>
    disk.kind === "scratch" ? disk : { ...disk, format: formatByName(disk.path) },
  );
}

export function machine(
  config: Config,
  mode: RunMode,
  seat = FIRST_SEAT,
  disks: readonly Disk[] = unseenDisks(config),
): Machine {
  const { vm, gdb } = config;
  return {
    cpus: String(vm.cpus),
    memory: `${vm.memoryMiB}M`,
    numa:
      vm.numa === 1
        ? undefined
        : { nodes: vm.numa, cpus: vm.cpus / vm.numa, memoryMiB: vm.memoryMiB / vm.numa },
    disks,
    nic: vm.nic,
    mac: guestNetwork(vm.net.subnet, seat.index).guestMac,
    commandLine: kernelCommandLine({
      quiet: mode.command,
      shellOnConsole: !mode.command,
      debug: gdb.enable,
      append: vm.append,
    }),
    gdbPort: gdb.enable ? INSIDE.gdbPort : undefined,
    paused: mode.paused,
    dumpOnPanic: vm.dumpOnPanic,
    extra: vm.qemu,
  };
}

/** What images/vm/start.sh reads. */
export function vmEnvironment(
  config: Config,
  seat = FIRST_SEAT,
  disks: readonly Disk[] = unseenDisks(config),
): Readonly<Record<string, string>> {
  const network = guestNetwork(config.vm.net.subnet, seat.index);
  return {
    KDOCK_ACCEL: config.vm.accel,
    ...(config.vm.cpu === undefined ? {} : { KDOCK_CPU: config.vm.cpu }),
    ...(disks.length === 0 ? {} : { KDOCK_DISKS: diskLines(disks) }),
    KDOCK_GATEWAY: network.gateway,
    KDOCK_GATEWAY_MAC: network.gatewayMac,
    KDOCK_GUEST: network.guest,
    KDOCK_GUEST_MAC: network.guestMac,
    KDOCK_GUEST_NAME: guestName(seat),
    KDOCK_PORTS: config.vm.ports
      .map((port) => `${port.protocol}/${port.guestPort}/${port.guestPort}`)
      .join(" "),
    KDOCK_GDB_PORT: config.gdb.enable ? String(INSIDE.gdbPort) : "",
    KDOCK_GUEST_MUX: [INSIDE.agentSocket, INSIDE.portSocket, INSIDE.monitorSocket].join(" "),
    ...(config.vm.dumpOnPanic
      ? { KDOCK_PANIC_SOCKET: INSIDE.panicSocket, KDOCK_PANIC_DUMP: INSIDE.panicDump }
      : {}),
  };
}

export function publishedPorts(config: Config): PublishedPort[] {
  const guest = config.vm.ports.map((port) => ({
    containerPort: port.guestPort,
    protocol: port.protocol,
    hostAddress: port.hostAddress,
    hostPort: port.hostPort,
  }));
  if (!config.gdb.enable) return guest;
  const { address, port } = config.gdb.listen;
  return [
    { containerPort: INSIDE.gdbPort, protocol: "tcp", hostAddress: address, hostPort: port },
    ...guest,
  ];
}
