import type { Config, DiskRequest, ListenAddress, PortForward, Share, VmConfig } from "./config.js";
import { expandSource, localRepository, parseSource, type SourceContext } from "./source-spec.js";

/** Something in kdock.yaml that reaches out of the project's folder, or whose text runs on this machine. */
export interface OutsideRequest {
  /** As kdock.yaml has it: "vm.shares", "vms.web.disks". */
  readonly key: string;
  /** The value as it is written. */
  readonly value: string;
  /** What it means for the person who is asked. */
  readonly effect: string;
  /** Such a request only where this path, relative to the project's folder or absolute, is outside of it. */
  readonly path?: string | undefined;
  /** The guest writes there. */
  readonly writes?: boolean | undefined;
  /** What the files at `path` may name besides, wherever that is. */
  readonly leadsTo?: "repository" | "patches" | undefined;
}

/** What is done with a configuration, as far as that decides what is reached. */
export interface Use {
  /** The history of a `path:` source is searched, so that it is read as a repository. */
  readonly history: boolean;
}

/** All of a configuration that may have to be allowed; whether a path is outside, links on the way decide. */
export function outsideRequests(
  config: Config,
  { history }: Use = { history: false },
): OutsideRequest[] {
  const { kernel, busybox, rootfs, gdb, images, matrix, vms } = config;
  const read = (key: string, paths: readonly (string | undefined)[], effect: string) =>
    paths.flatMap((path) => (path === undefined ? [] : [{ key, value: path, effect, path }]));
  return [
    ...sources("kernel.source", [kernel.source], { context: kernel, history }),
    ...sources("matrix.kernels", matrix.kernels, { context: kernel, history: false }),
    ...read("kernel.preset", [presetPath(kernel.preset)], BUILDER_READS),
    ...read("matrix.presets", matrix.presets.map(presetPath), BUILDER_READS),
    ...read("kernel.fragments", kernel.fragments, BUILDER_READS),
    ...read("kernel.patches", kernel.patches, BUILDER_READS).map((request): OutsideRequest => ({
      ...request,
      leadsTo: "patches",
    })),
    ...read("kernel.keys", kernel.keys, BUILDER_READS),
    ...read("kernel.moduleKey", [kernel.moduleKey], "builds sign modules with this file"),
    ...read("busybox.fragments", busybox.fragments, BUILDER_READS),
    ...read("busybox.keys", busybox.keys, BUILDER_READS),
    ...read("rootfs.overlay", [rootfs.overlay], GUEST_READS),
    ...read("rootfs.init", rootfs.init, GUEST_READS),
    ...registry(images.registry),
    ...gdb.scripts.map((value) => ({
      ...{ key: "gdb.scripts", value },
      effect: "runs in gdb, on this machine where gdb is started with kdock.gdb",
    })),
    ...listening("gdb.listen", gdb.listen),
    ...machine("vm", config.vm),
    ...Object.entries(vms).flatMap(([name, { vm, net, listen }]) =>
      machine(`vms.${name}`, { ...vm, net }, listen),
    ),
  ];
}

const BUILDER_READS = "builds read this file";
const GUEST_READS = "the guest gets what is there";

/** What the engine would do by itself. */
const OWN_REGISTRIES = ["", "docker.io/library"];

function registry(value: string): OutsideRequest[] {
  if (OWN_REGISTRIES.includes(value)) return [];
  const effect = "the base of every image comes from there, also of the VM's privileged container";
  return [{ key: "images.registry", value, effect }];
}

function presetPath(preset: string): string | undefined {
  return preset.startsWith("file:") ? preset.slice("file:".length) : undefined;
}

/** Words of any form: those that are no sources are refused elsewhere. */
function sources(
  key: string,
  words: readonly string[],
  { context, history }: Use & { readonly context: SourceContext },
): OutsideRequest[] {
  const effect = "builds read this folder";
  return words.flatMap((value): OutsideRequest[] => {
    const parsed = parseSource(expandSource(value, context));
    if ("problem" in parsed) return [];
    const spec = parsed.value;
    if (spec.kind === "path") {
      const leadsTo = history ? "repository" : undefined;
      return [{ key, value, effect, path: spec.folder, leadsTo }];
    }
    const path = spec.kind === "git" ? localRepository(spec.url) : undefined;
    return path === undefined ? [] : [{ key, value, effect, path, leadsTo: "repository" }];
  });
}

type Machine = Partial<Omit<VmConfig, "net">> & { readonly net: Partial<VmConfig["net"]> };

function machine(key: string, vm: Machine, listen?: ListenAddress): OutsideRequest[] {
  const { shares = [], disks = [], ports = [], qemu = [], net } = vm;
  return [
    ...shares.map((share) => shareRequest(`${key}.shares`, share)),
    ...disks.flatMap((disk) => diskRequest(`${key}.disks`, disk)),
    ...ports.flatMap((port) => portRequest(`${key}.ports`, port)),
    ...(listen === undefined ? [] : listening(`${key}.gdb`, listen)),
    ...(qemu.length === 0
      ? []
      : [{ key: `${key}.qemu`, value: qemu.join(" "), effect: "QEMU is given these arguments" }]),
    ...(net.mode === "host"
      ? [
          {
            ...{ key: `${key}.net.mode`, value: net.mode },
            effect: "a bridge and firewall rules are made on this machine",
          },
        ]
      : []),
  ];
}

function shareRequest(key: string, { folder, mountPoint, writable }: Share): OutsideRequest {
  const at = mountPoint === undefined ? "" : `:${mountPoint}`;
  const effect = writable
    ? "the guest reads and writes this folder"
    : "the guest reads this folder";
  return {
    key,
    value: `${folder}${at}${writable ? ":rw" : ""}`,
    effect,
    path: folder,
    writes: writable,
  };
}

function diskRequest(key: string, disk: DiskRequest): OutsideRequest[] {
  if (disk.kind !== "file") return [];
  const { path, readOnly } = disk;
  const effect = readOnly ? "the guest reads this file" : "the guest reads and writes this file";
  return [{ key, value: `${path}${readOnly ? ":ro" : ""}`, effect, path, writes: !readOnly }];
}

function portRequest(key: string, port: PortForward): OutsideRequest[] {
  const { hostAddress, hostPort, guestPort, protocol } = port;
  if (isLoopback(hostAddress)) return [];
  const value = `${hostAddress}:${hostPort}:${guestPort}/${protocol}`;
  return [{ key, value, effect: "other machines reach the guest" }];
}

function listening(key: string, { address, port }: ListenAddress): OutsideRequest[] {
  if (isLoopback(address)) return [];
  const effect = "other machines reach gdbserver, and whoever does owns the VM and QEMU";
  return [{ key, value: `${address}:${port}`, effect }];
}

function isLoopback(address: string): boolean {
  return address.startsWith("127.") || address === "::1";
}

/** Those of one configuration that another one has as well, word by word. */
export function alsoIn(
  requests: readonly OutsideRequest[],
  others: readonly OutsideRequest[],
): OutsideRequest[] {
  const texts = new Set(others.map(textOf));
  return requests.filter((request) => texts.has(textOf(request)));
}

function textOf({ key, value }: OutsideRequest): string {
  return JSON.stringify([key, value]);
}
