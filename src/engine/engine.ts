import type { Duplex, Readable } from "node:stream";
import type { EngineKind } from "./podman.js";
import type { ContainerSpec, Labels, PublishedPort } from "../core/plan/container-spec.js";

export type { ContainerSpec, Labels, Mount, PublishedPort } from "../core/plan/container-spec.js";

/** What kdock needs of a container engine, in kdock's words. `docker-engine.ts` is the one implementation. */
export interface Engine {
  /** Answers quickly or rejects with an `environment` error that says where an engine was looked for. */
  info(): Promise<EngineInfo>;

  /** The image with this name, digest or id; undefined when the engine has none. */
  findImage(ref: string): Promise<ImageInfo | undefined>;
  /** Rejects with an `engine` error when no registry answers or the name is unknown there. */
  pullImage(ref: string, options: StreamOptions): Promise<ImageInfo>;
  /** Takes what `docker save` writes, and returns the image that it calls `tag`; rejects when the archive fails. */
  loadImage(archive: Readable, options: LoadOptions): Promise<ImageInfo>;
  /** BuildKit. Rejects with a `build` error carrying the end of the log when a Dockerfile step fails. */
  buildImage(build: ImageBuild, options: StreamOptions): Promise<ImageInfo>;
  listImages(labels: Labels): Promise<ImageInfo[]>;
  removeImage(id: string): Promise<void>;

  /** Creates the volume unless it is there. */
  ensureVolume(name: string, labels: Labels): Promise<void>;
  listVolumes(labels: Labels): Promise<VolumeInfo[]>;
  removeVolume(name: string): Promise<void>;

  /** Creates the bridge network unless it is there. */
  ensureNetwork(name: string, labels: Labels, options?: NetworkOptions): Promise<void>;
  /**
   * Plugs a running container into one more network; nothing happens when it is in it. Resolves with the MAC address of
   * its interface there on engines that know no `prefix`, by which it is found otherwise.
   */
  connectNetwork(name: string, container: string): Promise<string | undefined>;
  listNetworks(labels: Labels): Promise<NetworkInfo[]>;
  /** Rejects with an `engine` error while containers are attached. */
  removeNetwork(name: string): Promise<void>;

  /** Created, not started. Disposing of the result removes the container; see `Container`. */
  createContainer(spec: ContainerSpec, signal: AbortSignal): Promise<Container>;
  /** Running or not, newest first. */
  listContainers(labels: Labels): Promise<ContainerInfo[]>;
  /** A handle on a container that exists; disposing of it removes the container. */
  container(id: string): Container;
}

export interface EngineInfo {
  /** As a person would recognise it: "unix:///var/run/docker.sock". */
  readonly endpoint: string;
  readonly kind: EngineKind;
  readonly version: string;
  /** Processors the engine's machine has. */
  readonly cpus: number;
  readonly memoryBytes: number;
  /** Docker's storage folder on the engine's machine. */
  readonly rootDir: string;
  /** The engine's machine: "Debian GNU/Linux 12 (bookworm)", "x86_64". */
  readonly operatingSystem: string;
  /** Runs without root, in namespaces of its own. */
  readonly rootless: boolean;
  readonly architecture: string;
}

/** An engine behind a unix socket shares its machine, hence ports, devices and disks, with us. */
export function isOnThisMachine({ endpoint }: Pick<EngineInfo, "endpoint">): boolean {
  return endpoint.startsWith("unix:");
}

export interface ImageInfo {
  readonly id: string;
  readonly tags: readonly string[];
  /** "debian@sha256:…" for images that came from a registry. */
  readonly repoDigests: readonly string[];
  /** sha256 of each uncompressed layer: the same on every engine, unlike the id on engines before 23. */
  readonly layers: readonly string[];
  readonly labels: Labels;
  readonly sizeBytes: number;
  /** Seconds since 1970. */
  readonly createdAt: number;
}

export interface VolumeInfo {
  readonly name: string;
  readonly labels: Labels;
}

export interface NetworkOptions {
  /** Names its interfaces in containers, instead of eth; not on Podman. */
  readonly prefix?: string;
  /** The engine's own default when undefined. */
  readonly mtu?: number | undefined;
  /** Containers only: the engine's host has no address in it, and passes nothing on. */
  readonly isolated?: boolean;
}

export interface NetworkInfo {
  readonly id: string;
  readonly name: string;
  readonly labels: Labels;
  /** Its IPv4 networks: "172.18.0.0/16". */
  readonly subnets: readonly string[];
  /** As it was asked for; undefined where the engine's default was taken. */
  readonly mtu: number | undefined;
  /** As `NetworkOptions` has it. */
  readonly isolated: boolean;
}

export interface StreamOptions {
  readonly signal: AbortSignal;
  /** One line of the engine's log, decoded, without its line end. */
  readonly onLine?: (line: string) => void;
  /** Bytes so far of about how many; a pull or a large upload. */
  readonly onProgress?: (done: number, total: number) => void;
}

export interface LoadOptions extends StreamOptions {
  readonly tag: string;
}

export interface ImageBuild {
  /** The build context as an uncompressed tar, Dockerfile included. */
  readonly context: Readable;
  /** The Dockerfile's path inside the context. */
  readonly dockerfile: string;
  readonly tag: string;
  readonly args: Readonly<Record<string, string>>;
  readonly labels: Labels;
  readonly noCache: boolean;
}

export interface ContainerInfo {
  readonly id: string;
  readonly name: string;
  readonly image: string;
  readonly labels: Labels;
  readonly running: boolean;
  /** The engine's own words: "Up 3 minutes", "Exited (0) 1 second ago". */
  readonly status: string;
  readonly ports: readonly PublishedPort[];
  /** Seconds since 1970. */
  readonly createdAt: number;
}

export interface ContainerState {
  readonly running: boolean;
  readonly exitCode: number;
  readonly oomKilled: boolean;
  /** The engine's word on why it would not start, "" when it did. */
  readonly error: string;
  /** IPv4 address in the container's (first) network, "" when it has none. */
  readonly address: string;
  readonly gateway: string;
  readonly ports: readonly PublishedPort[];
}

export interface Exec {
  /** stdin of the command when written to (`end()` closes it), its stdout when read from. */
  readonly stream: Duplex;
  /** stderr of the command, apart from stdout; empty with a tty. */
  readonly stderr: Readable;
  /** Resolves after the streams have ended. */
  exitCode(): Promise<number>;
}

/** Somewhere a command can be run, and talked with. */
export interface CanExec {
  exec(
    command: readonly string[],
    options: { tty: boolean; signal: AbortSignal; user?: string },
  ): Promise<Pick<Exec, "stream" | "stderr">>;
}

/** stdin and stdout; `stderr` is empty where it is merged into that. */
export type AttachedStream = Duplex & { readonly stderr: Readable };

/**
 * A container kdock made. `await using` removes it, with its anonymous volumes, on the engine's own clock: disposing
 * never throws and is not stopped by an aborted signal; a removal that fails is reported through the engine's `onLeak`.
 */
export interface Container extends AsyncDisposable {
  readonly id: string;
  start(): Promise<void>;
  /** Resolves with the exit code when the container has ended. Call before `start` so that no exit is missed. */
  wait(signal: AbortSignal): Promise<number>;
  /**
   * The container's terminal or its stdin/stdout+stderr as one duplex. Call before `start` so that no byte is missed.
   * The readable side ends when the container does. What is written to both at once may be cut anywhere: who reads whole
   * lines of stdout wants stderr apart, and has to read it, too.
   */
  attach(stderr?: "merged" | "apart"): Promise<AttachedStream>;
  /**
   * All that was written so far, stdout and stderr together in order; with `follow`, until the container ends. `tail`:
   * the last lines are enough; more may come.
   */
  logs(options: { follow: boolean; tail?: number; signal: AbortSignal }): Promise<Readable>;
  /** Runs a command in the running container. */
  exec(
    command: readonly string[],
    options: { tty: boolean; signal: AbortSignal; user?: string },
  ): Promise<Exec>;
  /** Unpacks an uncompressed tar into a folder of the container, running or not. */
  putArchive(path: string, archive: Readable): Promise<void>;
  /** A tar of a file or folder of the container, running or not. The caller must read it to its end or destroy it. */
  getArchive(path: string, signal: AbortSignal): Promise<Readable>;
  resize(size: { rows: number; columns: number }): Promise<void>;
  inspect(): Promise<ContainerState>;
  /** Soft signal, then SIGKILL after `timeoutSeconds`. No error when it has ended already. */
  stop(timeoutSeconds: number): Promise<void>;
  kill(): Promise<void>;
  remove(): Promise<void>;
}
