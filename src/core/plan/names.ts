import type { Labels } from "./container-spec.js";
import { STATE_FOLDER } from "../state-folder.js";
import { sha256 } from "./keys.js";

/** All names, labels and fixed paths of kdock are defined here. */

export const LABEL = {
  project: "io.kdock.project",
  role: "io.kdock.role",
  key: "io.kdock.key",
  /** Of bootstrapped base images: see `tarFingerprint`. */
  fingerprint: "io.kdock.fingerprint",
  /** Of images: a digest of their packages and base, and the time in the lock that they were built by. */
  packages: "io.kdock.packages",
  time: "io.kdock.time",
  /** Of a volume with source or objects: "verified" while only verified code has run on it; see compiler-cache.ts. */
  code: "io.kdock.code",
  /** The VM container's facts for `kdock ps`: see VmFacts in vm-facts.ts. */
  vm: "io.kdock.vm",
} as const;

export type Role =
  | "base"
  | "image-kernel"
  | "image-busybox"
  | "image-vm"
  | "image-gdb"
  | "image-verify"
  | "build"
  | "source"
  | "objects"
  | "modules"
  | "symbols"
  | "ccache"
  | "vm"
  | "cpu"
  | "gdb"
  | "memory"
  | "dump"
  | "network"
  | "lan"
  | "check"
  | "hostnet";

/** Labels of an image: `labels`, and its contents. */
export function imageLabels(
  role: Role,
  key: string,
  contents: { readonly packages: string; readonly time: string } | undefined,
): Labels {
  return {
    ...labels(role, undefined, key),
    ...(contents === undefined
      ? {}
      : { [LABEL.packages]: contents.packages, [LABEL.time]: contents.time }),
  };
}

export function labels(role: Role, project: string | undefined, key?: string): Labels {
  return {
    [LABEL.role]: role,
    ...(project === undefined ? {} : { [LABEL.project]: project }),
    ...(key === undefined ? {} : { [LABEL.key]: key }),
  };
}

export function imageTag(name: string, tag: string): string {
  return `kdock/${name}:${tag}`;
}

/** The agent, and its path in the guest's root. */
export const AGENT_PROGRAM = "kdock-agent";
export const AGENT_PATH = `usr/sbin/${AGENT_PROGRAM}`;

/** The device that taps are created with; not on every machine. */
export const TUN = "/dev/net/tun";

/** The user that reads output of a guest or of QEMU in the VM's container; owns no file there. */
export const UNPRIVILEGED = "nobody";

/** The scripts of an image, and a folder of the VM's container that QEMU can write to. */
const LIBRARY = "/usr/local/lib/kdock";
const RUN = "/run/kdock";

/** Paths inside the containers. */
export const INSIDE = {
  library: LIBRARY,
  run: RUN,
  source: "/src",
  objects: "/build",
  /** A git repository of the host. */
  repository: "/repo.git",
  ccache: "/ccache",
  input: "/in",
  output: "/out",
  /** A kernel's output: in the volume with its objects, so that vmlinux is linked, not copied. */
  kernelOutput: "/build/.kdock/out",
  /** A folder with the socket on which kdock receives the artifacts. */
  hand: "/hand",
  /** A folder in the output, with files that were sent as soon as they were made; newer versions may be outside it. */
  early: ".early",
  /** Out-of-tree modules: source and objects, a folder each; in a debugger's container, their .ko files. */
  modules: "/module",
  modulesInput: "/in/module",
  moduleFiles: "/in/modules",
  moduleKit: "/in/kit.tar.zst",
  /** The VM container's copies of the kernel's and the rootfs stage's output, one folder each. */
  artifacts: "/artifacts",
  rootfs: "/artifacts/rootfs/rootfs.cpio",
  /** The kernel's modules, if it has any: images/vm/start.sh appends them to the initramfs. */
  modulesCpio: "/artifacts/kernel/modules.cpio",
  /** The guest's disks, by number. */
  disks: "/disks",
  /** Shared host folders, by tag; and virtiofsd's socket for each. */
  shares: "/shares",
  shareSocket: (tag: string) => `${RUN}/${tag}.sock`,
  /** Where clients of the agent connect: guest-mux.pl listens there; the next two are for guest-mux.pl only. */
  agentSocket: `${RUN}/agent.sock`,
  portSocket: `${RUN}/port.sock`,
  monitorSocket: `${RUN}/monitor.sock`,
  qmpSocket: `${RUN}/qmp.sock`,
  /** Connects a VM's bridge with those of others, and passes their names to the guest. */
  lanScript: `${LIBRARY}/lan.sh`,
  captureScript: `${LIBRARY}/capture.sh`,
  shapeScript: `${LIBRARY}/shape.sh`,
  /** Mode "host": its script, the volume with the script's state, and the socket where a VM requests a tap. */
  hostNetScript: `${LIBRARY}/host-net.pl`,
  host: "/host",
  hostSocket: "/host/tap.sock",
  /** QEMU's exit; see images/vm/run-qemu.pl. */
  endRecord: `${RUN}/end.json`,
  /** The monitor of images/vm/panic.sh, and the dump that it writes. */
  panicSocket: `${RUN}/panic.sock`,
  panicDump: `${RUN}/panic.core`,
  /** Why there is no dump. */
  panicWhy: `${RUN}/panic.core.why`,
  /** In the VM's image: streams QEMU's dump. */
  vmDump: `${LIBRARY}/dump.sh`,
  gdbPort: 1234,
  /** State of the guest's network: the effective mode, the interface to the outside, and why there is no IPv6 gateway. */
  netMode: "/run/kdock-net-mode",
  uplink: "/run/kdock-uplink",
  noGateway6: "/run/kdock-no-gateway6",
  /** The hosts file of dnsmasq, its process ID, and its log. */
  hosts: "/run/kdock-hosts",
  dnsmasqPid: "/run/dnsmasq.pid",
  dnsmasqLog: "/run/dnsmasq.log",
  /** Why QEMU has no gdbstub although one was requested; images/vm/start.sh writes it. */
  noGdbserver: "/run/kdock-no-gdbserver",
  /** Scripts in the debugger's image. */
  gdbSession: `${LIBRARY}/session.gdb`,
  gdbSettings: `${LIBRARY}/settings.gdb`,
  gdbTrap: `${LIBRARY}/kdock/trap.py`,
  gdbDebug: `${LIBRARY}/kdock/debug.py`,
  gdbStart: `${LIBRARY}/start.sh`,
  /** Make variables for an out-of-tree module. */
  makeVariables: "/in/make-variables",
  gdbDecode: `${LIBRARY}/kdock/decode.py`,
  /** Input of gdbDecode. */
  decodeLog: "/in/console.log",
  /** gdb's command history, kept on the host between sessions. */
  gdbHistory: "/in/history",
  /** Marks a volume of symbols as complete. */
  symbolsWhole: "/out/.whole",
  /** In the debugger's container: the dump, and its input; see images/gdb/kdock/core.py. */
  dump: "/dump",
  core: "/dump/core",
  dumpGiven: "/dump/given",
  /** An abstract socket in the VM's network namespace. */
  dumpSocket: "kdock-dump",
  agentPort: "io.kdock.agent",
} as const;

/** Interfaces in the VM's container, and the guest's card. */
export const LINK = {
  tap: "tap0",
  bridge: "br0",
  /** In front of the guest's tap while `kdock net shape` works without the kernel's netem. */
  shape: "shape0",
  /** To the network between VMs: the engine adds a number to the prefix. */
  lanPrefix: "lan",
  lan: "lan0",
  card: "eth0",
} as const;

/** kdock's parameters on the kernel's command line, for /init (images/rootfs/tree/init). */
export const GUEST_WORD = {
  ip: "kdock.ip",
  ip6: "kdock.ip6",
  mtu: "kdock.mtu",
  share: "kdock.share",
  console: "kdock.console",
} as const;

/** The tap's file descriptor in mode "host", where images/vm/host-net.pl opens it. */
export const TAP_FD = 7;

/** QEMU's name for the agent's port, in its events. */
export const AGENT_DEVICE = "kdock-agent";

/** The path relative to /in: "/in/history" → "history". */
export function belowInput(path: string): string {
  return path.slice(INSIDE.input.length + 1);
}

/**
 * The compiler cache that projects of an engine share; see compiler-cache.ts. Not kdock-ccache: earlier versions used that name
 * for a cache that every project could write to.
 */
export const VERIFIED_CCACHE_VOLUME = "kdock-ccache-verified";

/** The user of builders, and of the builder in a verification: images/verify/hostile.Dockerfile. */
export const BUILDER_UID = 1000;
export const HOSTILE_UID = 4242;
/** The user in the debugger's image. */
export const DEBUGGER_UID = 1000;

/** In /in; images/kernel/build.sh removes it at once. */
export const MODULE_KEY_FILE = "module-signing.pem";

export interface ProjectNames {
  /** "linuxlab-1a2b3c": the folder's name and a hash of its path, so that two checkouts have different ids. */
  readonly id: string;
  readonly network: string;
  /** The L2 network between VMs; see steps/lan.ts. */
  readonly lan: string;
  /** The host's part of the network in mode "host", and the state that it needs for cleanup. */
  readonly hostNetContainer: string;
  readonly hostVolume: string;
  vmContainer(vm: string): string;
  gdbContainer(vm: string): string;
  /** Checks with QEMU the processor model of a VM. */
  cpuContainer(vm: string): string;
  /** Of drgn or crash. */
  readonly memoryContainer: string;
  readonly dumpVolume: string;
  /** The peer of the guest in `kdock net check`. */
  checkContainer(unique: string): string;
  buildContainer(stage: string): string;
  /** For all out-of-tree modules. */
  readonly moduleVolume: string;
  /** The project's own compiler cache, if it has one. */
  readonly ccacheVolume: string;
  volume(kind: "src" | "build" | "symbols", detail: string): string;
}

export function projectNames(folder: string): ProjectNames {
  const base = folder.split(/[\\/]/).filter(Boolean).at(-1) ?? "root";
  const id = `${slug(base) || "project"}-${sha256(folder).slice(0, 6)}`;
  return {
    id,
    network: `kdock-${id}`,
    lan: `kdock-${id}-lan`,
    hostNetContainer: `kdock-${id}-hostnet`,
    hostVolume: `kdock-${id}-hostnet`,
    vmContainer: (vm) => `kdock-${id}-vm${suffix(vm)}`,
    gdbContainer: (vm) => `kdock-${id}-gdb${suffix(vm)}`,
    cpuContainer: (vm) => `kdock-${id}-cpu${suffix(vm)}`,
    memoryContainer: `kdock-${id}-memory`,
    dumpVolume: `kdock-${id}-dump`,
    checkContainer: (unique) => `kdock-${id}-check-${unique}`,
    buildContainer: (stage) => `kdock-${id}-build-${stage}`,
    moduleVolume: `kdock-${id}-modules`,
    ccacheVolume: `kdock-${id}-ccache`,
    volume: (kind, detail) => `kdock-${id}-${kind}-${slug(detail)}`,
  };
}

/** The name of the VM if the project has one VM and does not name it. */
export const DEFAULT_VM = "vm";

function suffix(vm: string): string {
  return vm === DEFAULT_VM ? "" : `-${vm}`;
}

/** The text in characters that Docker accepts in a name: letters, digits, dots and dashes. */
export function slug(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9.]+/g, "-")
    .replace(/^[-.]+|[-.]+$/g, "");
}

/** Files that are kept of a VM that has ended: console log, key of its kernel, and how it ended. */
export function consoleFiles(vm: string): {
  readonly log: string;
  readonly kernel: string;
  readonly end: string;
} {
  const path = `${FOLDER.logs}/console${suffix(vm)}`;
  return { log: `${path}.log`, kernel: `${path}.kernel`, end: `${path}.end` };
}

/** Of which VM a file of FOLDER.logs holds the console; undefined for other files. */
export function consoleOwner(file: string): string | undefined {
  const [log, vm] = /^console(?:-(.+))?\.log$/.exec(file) ?? [];
  return log === undefined ? undefined : (vm ?? DEFAULT_VM);
}

/** Paths in the project's folder, relative to it. */
export const FOLDER = {
  state: STATE_FOLDER,
  out: ".kdock/out",
  current: ".kdock/out/current",
  logs: ".kdock/logs",
  /** State of local kernel trees: indexes, and records of what was sent to an engine and what was built. */
  trees: ".kdock/trees",
  /** Where a builder hands over its output. A short name: it holds a socket, whose path is limited to 107 bytes. */
  hand: ".kdock/hand",
  verify: ".kdock/verify",
  /** Final configurations of kernels that `kdock config` resolved without building them, by key. */
  configs: ".kdock/configs",
  /** Dumps of guests that panicked. */
  dumps: ".kdock/dumps",
  gdbHistory: ".kdock/gdb_history",
  execLog: ".kdock/logs/exec.log",
  gdbLog: ".kdock/logs/gdb.log",
  lock: ".kdock/lock",
  /** State of a running `kdock bisect`, and its git log. */
  bisect: ".kdock/bisect.json",
  bisectLog: ".kdock/logs/bisect.log",
  /** Lock; held while VMs reserve their slots. */
  slots: ".kdock/slots",
  /** Slots of VMs that are starting: see steps/reservations.ts. */
  starting: ".kdock/starting",
  lockfile: "kdock.lock",
  /** The architecture of the engine that was used last. */
  engine: ".kdock/engine.json",
  /** The folder of the last `kdock source export`. */
  sourceExport: ".kdock/source-export.json",
  /** The published address of the last VM's gdbserver. */
  gdbAddress: ".kdock/gdb-address",
  /** In an artifact set's folder. */
  gdbScript: "kdock.gdb",
  editorScript: "editor.gdb",
  /** The modules that they source: a part of images/gdb/kdock. */
  gdbModules: "gdb/kdock",
  manifest: "manifest.json",
  /** In a kernel's folder: the kit, and its modules as an initramfs. */
  moduleKit: "module-kit.tar.zst",
  modulesCpio: "modules.cpio",
  /** In a module's folder; see images/kernel/module.sh. */
  moduleList: "modules.txt",
} as const;
