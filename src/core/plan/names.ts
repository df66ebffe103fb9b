import type { Labels } from "./container-spec.js";
import { STATE_FOLDER } from "../state-folder.js";
import { sha256 } from "./keys.js";

/** Every name, label and fixed path of kdock is spelt here and nowhere else. */

export const LABEL = {
  project: "io.kdock.project",
  role: "io.kdock.role",
  key: "io.kdock.key",
  /** Of bootstrapped base images: see `tarFingerprint`. */
  fingerprint: "io.kdock.fingerprint",
  /** Of images: which packages of which base they hold, and the time in the lock they were made by. */
  packages: "io.kdock.packages",
  time: "io.kdock.time",
  /** Of a kernel's source and objects: "verified" while no other code has run on them; see compiler-cache.ts. */
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

/** For an image: what `labels` says, and what is in it. */
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

/** What serves kdock in the guest, and where it is in its root. */
export const AGENT_PROGRAM = "kdock-agent";
export const AGENT_PATH = `usr/sbin/${AGENT_PROGRAM}`;

/** What a tap is made with; a machine without it has none. */
export const TUN = "/dev/net/tun";

/** Who reads what a guest or its QEMU says in the VM's container, and owns nothing there. */
export const UNPRIVILEGED = "nobody";

/** The scripts of an image, and a folder of the VM's container that QEMU can write to. */
const LIBRARY = "/usr/local/lib/kdock";
const RUN = "/run/kdock";

/** Where things are inside the containers. */
export const INSIDE = {
  library: LIBRARY,
  run: RUN,
  source: "/src",
  objects: "/build",
  /** A git repository of this machine. */
  repository: "/repo.git",
  ccache: "/ccache",
  input: "/in",
  output: "/out",
  /** Where kdock has a kernel's output put: in the volume with its objects, so that vmlinux is there without being copied. */
  kernelOutput: "/build/.kdock/out",
  /** A folder with a socket where kdock takes the artifacts. */
  hand: "/hand",
  /** A folder in what is handed over, with files that were sent as soon as they were made; newer ones may be above it. */
  early: ".early",
  /** Out-of-tree modules: source and objects, a folder each; and, in a debugger's container, their .ko files. */
  modules: "/module",
  modulesInput: "/in/module",
  moduleFiles: "/in/modules",
  moduleKit: "/in/kit.tar.zst",
  /** The VM container's copies of the kernel's and the rootfs stage's output, one folder each. */
  artifacts: "/artifacts",
  rootfs: "/artifacts/rootfs/rootfs.cpio",
  /** The kernel's modules, where it has some: images/vm/start.sh puts them behind the root. */
  modulesCpio: "/artifacts/kernel/modules.cpio",
  /** The guest's disks, by number. */
  disks: "/disks",
  /** Host folders, one folder each, by tag; and where virtiofsd listens for it. */
  shares: "/shares",
  shareSocket: (tag: string) => `${RUN}/${tag}.sock`,
  /** Where clients of the guest's agent connect; guest-mux.pl listens there, and has the next two for itself. */
  agentSocket: `${RUN}/agent.sock`,
  portSocket: `${RUN}/port.sock`,
  monitorSocket: `${RUN}/monitor.sock`,
  qmpSocket: `${RUN}/qmp.sock`,
  /** Joins a VM's bridge with those of others, and tells it their names. */
  lanScript: `${LIBRARY}/lan.sh`,
  captureScript: `${LIBRARY}/capture.sh`,
  shapeScript: `${LIBRARY}/shape.sh`,
  /** Mode "host": what its script keeps in a volume, and where a VM asks it for a tap. */
  hostNetScript: `${LIBRARY}/host-net.pl`,
  host: "/host",
  hostSocket: "/host/tap.sock",
  /** How QEMU ended; see images/vm/run-qemu.pl. */
  endRecord: `${RUN}/end.json`,
  /** The monitor of images/vm/panic.sh, and where that has the guest's memory written to. */
  panicSocket: `${RUN}/panic.sock`,
  panicDump: `${RUN}/panic.core`,
  /** Why there is none. */
  panicWhy: `${RUN}/panic.core.why`,
  /** In the VM's image: passes on what QEMU dumps. */
  vmDump: `${LIBRARY}/dump.sh`,
  gdbPort: 1234,
  /** Of the guest's network: its mode as it came to be, the interface to the outside, and why there is no IPv6 gateway. */
  netMode: "/run/kdock-net-mode",
  uplink: "/run/kdock-uplink",
  noGateway6: "/run/kdock-no-gateway6",
  /** The names that dnsmasq answers, its process ID, and what it says. */
  hosts: "/run/kdock-hosts",
  dnsmasqPid: "/run/dnsmasq.pid",
  dnsmasqLog: "/run/dnsmasq.log",
  /** Why QEMU has no gdbstub although one was asked for; images/vm/start.sh writes it. */
  noGdbserver: "/run/kdock-no-gdbserver",
  /** The debugger's own files in its image. */
  gdbSession: `${LIBRARY}/session.gdb`,
  gdbSettings: `${LIBRARY}/settings.gdb`,
  gdbTrap: `${LIBRARY}/kdock/trap.py`,
  gdbDebug: `${LIBRARY}/kdock/debug.py`,
  gdbStart: `${LIBRARY}/start.sh`,
  /** What make is told of an out-of-tree module. */
  makeVariables: "/in/make-variables",
  gdbDecode: `${LIBRARY}/kdock/decode.py`,
  /** What is to be decoded. */
  decodeLog: "/in/console.log",
  /** Kept from session to session, on the host. */
  gdbHistory: "/in/history",
  /** In a volume of symbols: it was filled to the end. */
  symbolsWhole: "/out/.whole",
  /** In the debugger's container: the dump, and what is made into one; see images/gdb/kdock/core.py. */
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
  /** What stands before the guest's tap while `kdock net shape` does without the kernel's netem. */
  shape: "shape0",
  /** To the network between VMs: the engine adds a number to the prefix. */
  lanPrefix: "lan",
  lan: "lan0",
  card: "eth0",
} as const;

/** Words of kdock's on the kernel's command line, for /init (images/rootfs/tree/init). */
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

/** A path inside, as an archive for /in has it: "/in/history" → "history". */
export function belowInput(path: string): string {
  return path.slice(INSIDE.input.length + 1);
}

/**
 * The compiler cache that projects of an engine share; see compiler-cache.ts. A kdock that let every project write to one
 * called it kdock-ccache, hence another name.
 */
export const VERIFIED_CCACHE_VOLUME = "kdock-ccache-verified";

/** The builders' user, and that of a verification's builder: images/verify/hostile.Dockerfile. */
export const BUILDER_UID = 1000;
export const HOSTILE_UID = 4242;
/** The user in the debugger's image. */
export const DEBUGGER_UID = 1000;

/** In /in, where images/kernel/build.sh takes it away at once. */
export const MODULE_KEY_FILE = "module-signing.pem";

export interface ProjectNames {
  /** "linuxlab-1a2b3c": the folder's name and a hash of its whole path, so that two checkouts never meet. */
  readonly id: string;
  readonly network: string;
  /** What guests of several VMs meet on, frame by frame; see steps/lan.ts. */
  readonly lan: string;
  /** The host's part of the network in mode "host", and what it has to take away again. */
  readonly hostNetContainer: string;
  readonly hostVolume: string;
  vmContainer(vm: string): string;
  gdbContainer(vm: string): string;
  /** Asks QEMU about the processor that a VM shall have. */
  cpuContainer(vm: string): string;
  /** Of drgn or crash. */
  readonly memoryContainer: string;
  readonly dumpVolume: string;
  /** Of the container that `kdock net check` has the guest talk to. */
  checkContainer(unique: string): string;
  buildContainer(stage: string): string;
  /** Of all out-of-tree modules. */
  readonly moduleVolume: string;
  /** The project's own compiler cache, where it has one. */
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

/** The VM of a project that has one, and gives it no name. */
export const DEFAULT_VM = "vm";

function suffix(vm: string): string {
  return vm === DEFAULT_VM ? "" : `-${vm}`;
}

/** What Docker accepts in a name: letters, digits, dots and dashes. */
export function slug(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9.]+/g, "-")
    .replace(/^[-.]+|[-.]+$/g, "");
}

/** Once a VM has ended: what its guest said, the key of its kernel, and how it ended. */
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

/** Where things are in the project's folder. Paths are relative to it. */
export const FOLDER = {
  state: STATE_FOLDER,
  out: ".kdock/out",
  current: ".kdock/out/current",
  logs: ".kdock/logs",
  /** What kdock remembers of local kernel trees: digests, what an engine has of them, what was built from them. */
  trees: ".kdock/trees",
  /** While a kernel is built: where a builder hands over what it has made. A short name, for a socket is in it. */
  hand: ".kdock/hand",
  verify: ".kdock/verify",
  /** Final configurations of kernels that were asked about and not built, by key. */
  configs: ".kdock/configs",
  /** What guests that panicked had in their memory. */
  dumps: ".kdock/dumps",
  gdbHistory: ".kdock/gdb_history",
  execLog: ".kdock/logs/exec.log",
  gdbLog: ".kdock/logs/gdb.log",
  lock: ".kdock/lock",
  /** A search by `kdock bisect` that has not ended, and git's own log of it. */
  bisect: ".kdock/bisect.json",
  bisectLog: ".kdock/logs/bisect.log",
  /** Held while VMs find their places. */
  slots: ".kdock/slots",
  /** Those of VMs that are being started: see steps/reservations.ts. */
  starting: ".kdock/starting",
  lockfile: "kdock.lock",
  /** The architecture of the engine that was asked last. */
  engine: ".kdock/engine.json",
  /** Where the tree of the last `kdock source export` is. */
  sourceExport: ".kdock/source-export.json",
  /** Where the last VM's gdbserver was published. */
  gdbAddress: ".kdock/gdb-address",
  /** In an artifact set's folder. */
  gdbScript: "kdock.gdb",
  editorScript: "editor.gdb",
  /** And what they source: a part of images/gdb/kdock. */
  gdbModules: "gdb/kdock",
  manifest: "manifest.json",
  /** In a kernel's folder: what modules are built against, and its own modules as an initramfs. */
  moduleKit: "module-kit.tar.zst",
  modulesCpio: "modules.cpio",
  /** In a module's folder; see images/kernel/module.sh. */
  moduleList: "modules.txt",
} as const;
