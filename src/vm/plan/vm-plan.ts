import type { Config, NetConfig } from "../../config/config.js";
import {
  type ContainerSpec,
  hostPortText,
  type PublishedPort,
} from "../../core/plan/container-spec.js";
import { type Disk, diskLines, diskPaths, disksInUse, formatByName } from "./disks.js";
import { architectureOf } from "../../core/plan/architectures.js";
import { hostPath } from "../../core/plan/host-path.js";
import type { ImagePlan } from "../../build/plan/image-plan.js";
import { checkMachine } from "./machine-check.js";
import { INSIDE, LABEL, labels, type ProjectNames, TUN } from "../../core/plan/names.js";
import { checkPortsHaveNetwork, netdevs, netEnvironment, networkOf } from "./net-modes.js";
import { type GuestNetwork6, guestNetwork6 } from "./network6.js";
import { checkHostPorts, guestPorts, publishedGuestPorts } from "../../core/plan/ports.js";
import { FIRST_SLOT, guestName, type VmSlot } from "./slots.js";
import type { Plan } from "../../build/plan/plan.js";
import {
  NO_SHARES,
  type Shares,
  type SharePlan,
  sharePlans,
  shareText,
  type ShareTransport,
  shareFacts,
  shareWords,
} from "./shares.js";
import { kernelCommandLine, type Machine, plannedArgs, qemuArgs, startFacts } from "./qemu-args.js";
import type { PanicDriver } from "./vm-end.js";
import type { VmFacts } from "./vm-facts.js";

/** How one start of the VM differs from another. */
export interface RunMode {
  /** Stopped before the first instruction. */
  readonly paused: boolean;
  /** For one command: no shell on the console, no boot messages. */
  readonly command: boolean;
  /** An absolute path for vm.dumpOnPanic, where it is not to be below .kdock. */
  readonly dumpTo?: string | undefined;
}

/** What was looked at for a VM before it starts. */
export interface Found {
  /** How its kernel mounts host folders; undefined for one that has none to mount. */
  readonly transport: ShareTransport | undefined;
  readonly disks: readonly Disk[];
  /** See `VmFacts`. */
  readonly noAgent: string | undefined;
  readonly panicDriver: PanicDriver | undefined;
}

/** What of the host's a VM has. */
export interface Attached {
  readonly shares: Shares;
  readonly disks: readonly Disk[];
}

const NOTHING: Attached = { shares: NO_SHARES, disks: [] };

export interface VmPlan {
  readonly image: ImagePlan;
  /** Undefined for the engine's own, which is there anyway: mode "host" leaves nothing new behind. */
  readonly network: string | undefined;
  /** Nobody has named one: what `facts` say is taken where it clashes with nothing. */
  readonly isSubnetOpen: boolean;
  readonly facts: VmFacts;
  /** All that QEMU is told, but for what is known only when it starts: see `plannedArgs`. */
  readonly qemu: readonly string[];
  /** Tried in order until the engine starts one: the first is what was asked for. */
  readonly attempts: readonly VmAttempt[];
}

export interface VmAttempt {
  readonly container: ContainerSpec;
  readonly privilege: "privileged" | "least";
  /** Only worth trying when the engine has said that it lacks this device. */
  readonly without?: string;
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
  sysctls: { "net.ipv4.ip_forward": "1" },
  securityOpt: ["no-new-privileges"],
} as const;

/** Mode "host" has its tap handed over, others have none. */
export function devicesFor(net: NetConfig): readonly string[] {
  return net.mode === "bridge" ? [TUN] : [];
}

/** The engine's network that a VM's container is in. */
export function networkFor(net: NetConfig, names: ProjectNames): string | undefined {
  return net.mode === "host" ? undefined : names.network;
}

/**
 * The bridge, which comes after the engine's interfaces, has IPv6 although the engine's network may have none; those
 * interfaces stay as the engine made them. A machine without IPv6 refuses a container that asks for it.
 */
export const IPV6_SYSCTLS = {
  "net.ipv6.conf.default.disable_ipv6": "0",
  "net.ipv6.conf.all.forwarding": "1",
} as const;

export function vmSysctls({ vm }: Config): Readonly<Record<string, string>> {
  return { ...LEAST.sysctls, ...(hasIpv6(vm.net) ? IPV6_SYSCTLS : {}) };
}

/** For a machine without IPv6: its guests still have it among themselves. */
export function withoutIpv6(attempt: VmAttempt): VmAttempt {
  return { ...attempt, container: { ...attempt.container, sysctls: LEAST.sysctls } };
}

/** How kdock.yaml's words apply to one of several VMs. */
export function configFor(config: Config, { name, index }: VmSlot): Config {
  const special = config.vms[name];
  const { listen } = config.gdb;
  // Each gdbserver has a port of its own, unless that is for the engine to find.
  const own = listen.port === 0 ? listen : { ...listen, port: listen.port + index };
  return {
    ...config,
    vm: { ...config.vm, ...special?.vm, net: { ...config.vm.net, ...special?.net } },
    gdb: { ...config.gdb, listen: special?.listen ?? own },
  };
}

/** What makes one VM: kdock.yaml's words as they apply to it, and what it is started with. */
interface Parts {
  readonly config: Config;
  readonly plan: Pick<Plan, "names" | "vmImage" | "kernel">;
  readonly mode: RunMode;
  readonly slot: VmSlot;
  readonly attached: Attached;
  readonly noAgent: string | undefined;
  readonly panicDriver: PanicDriver | undefined;
}

/** Throws a `config` error for ports that nothing would be behind. */
export function vmPlan(
  common: Config,
  plan: Pick<Plan, "names" | "vmImage" | "kernel" | "folder">,
  mode: RunMode,
  slot = FIRST_SLOT,
  found: Partial<Found> = {},
): VmPlan {
  const config = configFor(common, slot);
  const { net, shares: folders } = config.vm;
  checkPortsHaveNetwork(config.vm);
  const attached: Attached = {
    shares: {
      folders: sharePlans(folders, plan.folder),
      transport: found.transport ?? NO_SHARES.transport,
    },
    disks: found.disks ?? unseenDisks(config, plan.folder),
  };
  const { noAgent, panicDriver } = found;
  const parts: Parts = { config, plan, mode, slot, attached, noAgent, panicDriver };
  const least = leastContainer(parts);
  checkMachine(config);
  // A privileged container has every device and capability; the sysctls are needed in both.
  const privileged = { ...least, privileged: true, capDrop: [], capAdd: [], securityOpt: [] };
  const attempts: VmAttempt[] = [
    ...(mayBePrivileged(config, attached.shares) ? [attempt(privileged)] : []),
    ...leastAttempts(config, least),
    ...(net.mode === "bridge" ? attemptsWithoutTun(parts) : []),
  ];
  return {
    image: plan.vmImage,
    network: networkFor(net, plan.names),
    isSubnetOpen: net.subnet === "auto" && net.mode !== "none",
    facts: factsFor(parts),
    qemu: plannedArgs(machine(config, mode, slot, attached)),
    attempts,
  };
}

/** An engine without /dev/kvm refuses a container that names it; whether KVM works is start.sh's to find out. */
function leastAttempts({ vm }: Config, least: ContainerSpec): VmAttempt[] {
  const withKvm = { ...least, devices: [...least.devices, "/dev/kvm"] };
  return [
    ...(vm.accel === "tcg" ? [] : [attempt(withKvm)]),
    ...(vm.accel === "kvm" ? [] : [attempt(least)]),
  ];
}

/** QEMU's own network needs no tap. */
function attemptsWithoutTun(parts: Parts): VmAttempt[] {
  const { vm } = parts.config;
  const user = { ...parts.config, vm: { ...vm, net: { ...vm.net, mode: "user" as const } } };
  const attempts = leastAttempts(user, leastContainer({ ...parts, config: user }));
  return attempts.map((attempt) => ({ ...attempt, without: TUN }));
}

function factsFor({ config, plan, mode, slot, attached, noAgent }: Parts): VmFacts {
  const { net, dumpOnPanic } = config.vm;
  const { subnet, guest } = networkOf(net, slot);
  return {
    kernel: config.kernel.source,
    kernelKey: plan.kernel.key,
    paused: mode.paused,
    slot,
    net: net.mode,
    subnet,
    address: net.mode === "none" ? "" : guest,
    address6: network6(config, slot)?.guest,
    dumpOnPanic,
    dumpTo: mode.dumpTo,
    disks: disksInUse(attached.disks),
    shares: attached.shares.folders.map(shareText),
    ports: guestPorts(config.vm.ports),
    noAgent,
  };
}

function leastContainer(parts: Parts): ContainerSpec {
  const { config, plan, mode, slot, attached, panicDriver } = parts;
  const { names, vmImage: image } = plan;
  const { net } = config.vm;
  const planned = machine(config, mode, slot, attached);
  const hostNet = { volume: names.hostVolume, target: INSIDE.host, readOnly: true };
  return {
    name: names.vmContainer(slot.name),
    image: image.tag,
    command: qemuArgs(planned),
    env: {
      ...vmEnvironment(config, slot, attached),
      ...startFacts(planned),
      ...(panicDriver === undefined ? {} : { KDOCK_PANIC_DRIVER: panicDriver }),
    },
    labels: {
      ...labels("vm", names.id),
      [LABEL.vm]: JSON.stringify(factsFor(parts)),
    },
    mounts: net.mode === "host" ? [hostNet] : [],
    hostPaths: [
      ...attached.shares.folders.map(({ folder: path, inside: target, writable }) => ({
        ...{ path, target, readOnly: !writable },
      })),
      ...diskPaths(attached.disks),
    ],
    ports: publishedPorts(config),
    network: networkFor(net, names),
    hostname: "kdock",
    privileged: false,
    ...LEAST,
    devices: devicesFor(net),
    sysctls: vmSysctls(config),
    securityOpt: securityOptions(attached),
    tty: true,
    openStdin: true,
    stopSignal: undefined,
  };
}

/** The host folders of one of several VMs. */
export function vmShares(
  config: Config,
  { folder }: Pick<Plan, "folder">,
  name: string,
): readonly SharePlan[] {
  return sharePlans(configFor(config, { name, index: 0 }).vm.shares, folder);
}

/** QEMU has the rights of a folder's owner then, root perhaps, who owns the devices that a privileged container has. */
export function mayBePrivileged({ vm }: Config, { folders }: Pick<Shares, "folders">): boolean {
  return vm.privilege === "privileged" && folders.length === 0;
}

/** SELinux lets no container at files that are not labelled for it, and labelling them would change the user's files. */
export function securityOptions({ shares, disks }: Attached): readonly string[] {
  const isAlone = shares.folders.length === 0 && diskPaths(disks).length === 0;
  return isAlone ? LEAST.securityOpt : [...LEAST.securityOpt, "label=disable"];
}

function attempt(container: ContainerSpec): VmAttempt {
  return { container, privilege: container.privileged ? "privileged" : "least" };
}

/** For those who only print: what nobody has looked at is told by its name. */
export function unseenDisks({ vm }: Config, folder: string): readonly Disk[] {
  return vm.disks.map((disk) => {
    if (disk.kind === "scratch") return disk;
    const path = hostPath(folder, disk.path);
    return { ...disk, path, format: formatByName(path) };
  });
}

export function machine(
  config: Config,
  mode: RunMode,
  slot = FIRST_SLOT,
  { shares, disks }: Attached = NOTHING,
): Machine {
  const { vm, gdb } = config;
  const ipv6 = network6(config, slot);
  const { commandLine: ownCommandLine, rest: extra } = takeCommandLine(vm.qemu);
  return {
    arch: architectureOf(config),
    cpus: String(vm.cpus),
    memory: `${vm.memoryMiB}M`,
    numa:
      vm.numa === 1
        ? undefined
        : { nodes: vm.numa, cpus: vm.cpus / vm.numa, memoryMiB: vm.memoryMiB / vm.numa },
    disks,
    nic: vm.nic,
    mac: networkOf(vm.net, slot).guestMac,
    network: netdevs(vm, slot),
    commandLine:
      ownCommandLine ??
      kernelCommandLine({
        arch: architectureOf(config),
        quiet: mode.command,
        shellOnConsole: !mode.command,
        network: vm.net.mode !== "none",
        debug: gdb.enable,
        ipv6: ipv6 && `${ipv6.guest}/64`,
        append: vm.append,
        shares: shareWords(shares),
      }),
    gdbPort: gdb.enable ? INSIDE.gdbPort : undefined,
    paused: mode.paused,
    dumpOnPanic: vm.dumpOnPanic,
    shares,
    extra,
  };
}

/** What vm.qemu says to the kernel, in the place of kdock's words, and the rest of it. QEMU obeys the last one. */
function takeCommandLine(extra: readonly string[]) {
  const isOurs = (at: number) => extra[at] === "-append" && extra[at + 1] !== undefined;
  const commandLine = extra.findLast((_, at) => isOurs(at - 1));
  const rest = extra.filter((_, at) => !isOurs(at) && !isOurs(at - 1));
  return { commandLine, rest };
}

/** What images/vm/start.sh reads beside `startFacts`. */
export function vmEnvironment(
  config: Config,
  slot = FIRST_SLOT,
  { shares, disks }: Attached = NOTHING,
): Readonly<Record<string, string>> {
  const network = networkOf(config.vm.net, slot);
  const ipv6 = network6(config, slot);
  return {
    KDOCK_ACCEL: config.vm.accel,
    ...archEnvironment(config),
    ...(config.vm.cpu === undefined ? {} : { KDOCK_CPU: config.vm.cpu }),
    ...(disks.length === 0 ? {} : { KDOCK_DISKS: diskLines(disks) }),
    ...netEnvironment(config.vm),
    KDOCK_GATEWAY: network.gateway,
    KDOCK_GATEWAY_MAC: network.gatewayMac,
    KDOCK_GUEST: network.guest,
    KDOCK_GUEST_MAC: network.guestMac,
    KDOCK_GUEST_NAME: guestName(slot),
    ...(ipv6 && { KDOCK_GATEWAY6: ipv6.gateway, KDOCK_GUEST6: ipv6.guest }),
    KDOCK_PORTS: guestPorts(config.vm.ports)
      .map((port) => `${port.protocol}/${port.containerPort}/${port.guestPort}`)
      .join(" "),
    ...(config.gdb.enable ? { KDOCK_GDB_LISTEN: gdbListenText(config.gdb) } : {}),
    KDOCK_GUEST_MUX: [INSIDE.agentSocket, INSIDE.portSocket, INSIDE.monitorSocket].join(" "),
    ...(shares.folders.length > 0 ? { KDOCK_SHARES: shareFacts(shares) } : {}),
    ...(config.vm.dumpOnPanic
      ? { KDOCK_PANIC_SOCKET: INSIDE.panicSocket, KDOCK_PANIC_DUMP: INSIDE.panicDump }
      : {}),
  };
}

/** "127.0.0.1:1234" */
export function gdbListenText({ listen }: Pick<Config["gdb"], "listen">): string {
  return hostPortText({ hostAddress: listen.address, hostPort: listen.port });
}

function archEnvironment(config: Config): Readonly<Record<string, string>> {
  const { machine, qemu } = architectureOf(config);
  return { KDOCK_QEMU: qemu.program, KDOCK_MACHINE: machine, KDOCK_EMULATED_CPU: qemu.cpu };
}

/** Only our own bridge has it: the host's would need rules of a second kind there, and QEMU's network has no NAT66. */
function hasIpv6(net: NetConfig): net is NetConfig & { readonly ipv6: string } {
  return net.mode === "bridge" && net.ipv6 !== undefined;
}

function network6({ vm }: Config, slot: VmSlot): GuestNetwork6 | undefined {
  return hasIpv6(vm.net) ? guestNetwork6(vm.net.ipv6, slot.index) : undefined;
}

/** Throws a `config` error for a port of the host that is to lead to two places. */
export function publishedPorts({ vm, gdb }: Config): readonly PublishedPort[] {
  const { address: hostAddress, port: hostPort } = gdb.listen;
  const ports: readonly PublishedPort[] = [
    ...(gdb.enable
      ? [{ containerPort: INSIDE.gdbPort, protocol: "tcp" as const, hostAddress, hostPort }]
      : []),
    ...publishedGuestPorts(vm.ports),
  ];
  checkHostPorts(ports);
  return ports;
}
