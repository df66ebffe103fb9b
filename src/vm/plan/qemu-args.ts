import { KdockError } from "../../core/errors.js";
import type { ArchitectureRow } from "../../core/plan/architectures.js";
import { type Disk, diskArgs } from "./disks.js";
import { AGENT_DEVICE, GUEST_WORD, INSIDE } from "../../core/plan/names.js";
import { NETDEV_ID, type Netdevs } from "./net-modes.js";
import { shareArgs, type Shares } from "./shares.js";

/** The guest's machine as planned; images/vm/start.sh adds what only the machine that carries it knows. */
export interface Machine {
  readonly arch: ArchitectureRow;
  /** QEMU's own notation: "1", "512M"; text, because compose.yaml puts variables here. */
  readonly cpus: string;
  readonly memory: string;
  /** Nodes with an equal share of both; undefined for a machine without. */
  readonly numa: NumaShares | undefined;
  readonly disks: readonly Disk[];
  readonly nic: "virtio" | "e1000";
  /** Of that card. */
  readonly mac: string;
  readonly network: Netdevs;
  readonly commandLine: string;
  /** QEMU's gdbstub listens here, inside the container; undefined for none. */
  readonly gdbPort: number | undefined;
  /** Stop before the first instruction and wait for a debugger (the article's -S). */
  readonly paused: boolean;
  /** Stop where the kernel panics, until images/vm/panic.sh has had the memory written. */
  readonly dumpOnPanic: boolean;
  readonly shares: Shares;
  readonly extra: readonly string[];
}

export interface NumaShares {
  readonly nodes: number;
  readonly cpus: number;
  readonly memoryMiB: number;
}

const NIC = { virtio: "virtio-net-pci", e1000: "e1000" } as const;

/** What QEMU is told whatever images/vm/start.sh finds: the command of a VM's container. */
export function qemuArgs(machine: Machine): readonly string[] {
  return [
    ...["-M", machine.arch.qemu.board, "-nodefaults"],
    ...memoryArgs(machine),
    ...["-display", "none"],
    // A node is a socket: processors that share a cache are not on several.
    ...[
      "-smp",
      machine.cpus + (machine.numa === undefined ? "" : `,sockets=${machine.numa.nodes}`),
    ],
    ...["-m", machine.memory],
    ...["-kernel", kernelInside(machine.arch)],
    // The console is the container's terminal; Ctrl-C belongs to the guest.
    ...["-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console"],
    ...diskArgs(machine.disks),
    // The guest says here that it is ready, and runs commands.
    ...["-device", "virtio-serial-pci"],
    ...["-chardev", `socket,id=agent,path=${INSIDE.portSocket},server=on,wait=off`],
    ...["-device", `virtserialport,id=${AGENT_DEVICE},chardev=agent,name=${INSIDE.agentPort}`],
    ...["-qmp", `unix:${INSIDE.qmpSocket},server=on,wait=off`],
    // A monitor serves one client at a time: guest-mux.pl has one of its own.
    ...["-qmp", `unix:${INSIDE.monitorSocket},server=on,wait=off`],
    ...["-device", "virtio-rng-pci"],
    // The kernel leaves its description (VMCOREINFO) here, which `kdock dump` puts beside its memory.
    ...["-device", "vmcoreinfo"],
    // A panic ends the machine with a failure instead of a silent reboot.
    ...machine.arch.qemu.panicDevices.flatMap((device) => ["-device", device]),
    ...["-action", `panic=${machine.dumpOnPanic ? "pause" : "exit-failure"},reboot=shutdown`],
    ...shareArgs(machine.shares),
    ...(machine.dumpOnPanic ? ["-qmp", `unix:${INSIDE.panicSocket},server=on,wait=off`] : []),
    ...(machine.paused ? ["-S"] : []),
    ...machine.extra,
  ];
}

/**
 * What images/vm/start.sh makes the rest of QEMU's arguments from: it chooses the netdev by the mode that the network came to
 * have, adds words to the kernel's command line, and leaves the gdbstub out where its port cannot be closed.
 */
export function startFacts(machine: Machine): Readonly<Record<string, string>> {
  const { network } = machine;
  return {
    KDOCK_COMMAND_LINE: machine.commandLine,
    KDOCK_NIC: nic(machine),
    ...(network.tap === undefined ? {} : { KDOCK_TAP_NETDEV: network.tap }),
    ...(network.user === undefined ? {} : { KDOCK_USER_NETDEV: network.user }),
    // The last word counts: /init looks for no IPv6, or no card.
    ...(network.canFallBack
      ? {
          KDOCK_USER_WORDS: `${GUEST_WORD.ip6}=none`,
          KDOCK_NONE_WORDS: `${GUEST_WORD.ip}=none`,
        }
      : {}),
    KDOCK_GDB_PORT: machine.gdbPort === undefined ? "" : String(machine.gdbPort),
    ...(waitsForDebugger(machine) ? { KDOCK_PAUSED: "1" } : {}),
  };
}

/** Without accelerator, processor and sandbox: what QEMU is told where everything is as planned. */
export function plannedArgs(machine: Machine): readonly string[] {
  const netdev = machine.network.tap ?? machine.network.user;
  return [
    ...(netdev === undefined ? [] : ["-netdev", netdev, "-device", nic(machine)]),
    ...["-initrd", INSIDE.rootfs, "-append", machine.commandLine],
    ...(machine.gdbPort === undefined ? [] : ["-gdb", `tcp::${machine.gdbPort}`]),
    ...qemuArgs(machine),
  ];
}

function nic(machine: Machine): string {
  return `${NIC[machine.nic]},netdev=${NETDEV_ID},mac=${machine.mac},romfile=`;
}

function waitsForDebugger({ paused, extra }: Machine): boolean {
  return paused || extra.includes("-S");
}

/** The VM container's copy of what is booted. */
export function kernelInside({ image }: Pick<ArchitectureRow, "image">): string {
  return `${INSIDE.artifacts}/kernel/${image.target}`;
}

/** Where the guest's memory comes from, where QEMU's own idea of it will not do. */
function memoryArgs({ shares, numa, memory }: Machine): readonly string[] {
  // virtiofsd puts what it reads where the guest wants it.
  const isShared = shares.transport === "virtiofs" && shares.folders.length > 0;
  const object = (id: string, size: string) => [
    "-object",
    isShared
      ? `memory-backend-memfd,id=${id},share=on,size=${size}`
      : `memory-backend-ram,id=${id},size=${size}`,
  ];
  if (numa !== undefined) {
    return Array.from({ length: numa.nodes }, (_, node) => {
      const [first, last] = [node * numa.cpus, (node + 1) * numa.cpus - 1];
      return [
        ...object(`node${node}`, `${numa.memoryMiB}M`),
        ...["-numa", `node,nodeid=${node},cpus=${first}-${last},memdev=node${node}`],
      ];
    }).flat();
  }
  return isShared ? [...object("ram", memory), "-machine", "memory-backend=ram"] : [];
}

/** More is cut off by the kernel without a word. */
const MAX_COMMAND_LINE = 2047;

/** The kernel's command line; what the user appends comes last, so it wins. */
export function kernelCommandLine(options: {
  readonly arch: Pick<ArchitectureRow, "console" | "commandLine">;
  readonly quiet: boolean;
  readonly shellOnConsole: boolean;
  readonly network: boolean;
  readonly debug: boolean;
  /** What /init gives the card, with prefix; undefined for none. */
  readonly ipv6: string | undefined;
  readonly append: string;
  /** Of `shareWords`. */
  readonly shares: readonly string[];
}): string {
  const line = [
    `console=${options.arch.console}`,
    ...options.arch.commandLine,
    // Addresses in vmlinux are the addresses in memory, also for a kernel that was configured otherwise.
    ...(options.debug ? ["nokaslr"] : []),
    "panic=-1",
    ...(options.quiet ? ["quiet"] : []),
    ...(options.shellOnConsole ? [] : [`${GUEST_WORD.console}=none`]),
    ...(options.network ? [] : [`${GUEST_WORD.ip}=none`]),
    ...(options.ipv6 === undefined ? [] : [`${GUEST_WORD.ip6}=${options.ipv6}`]),
    ...options.shares.map((share) => `${GUEST_WORD.share}=${share}`),
    ...(options.append === "" ? [] : [options.append]),
  ].join(" ");
  const bytes = Buffer.byteLength(line);
  if (bytes <= MAX_COMMAND_LINE) return line;
  throw new KdockError(
    "config",
    `the kernel's command line has ${bytes} bytes, and the kernel takes ${MAX_COMMAND_LINE}`,
    {
      hint: "Make vm.append (--append) shorter, or the mount points of vm.shares; kernel.set CONFIG_CMDLINE puts words into the kernel.",
    },
  );
}
