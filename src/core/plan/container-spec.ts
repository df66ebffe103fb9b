export type Labels = Readonly<Record<string, string>>;

/** A bind mount of a path that the user named; no other path of the host is mounted. */
export interface HostPath {
  /** Absolute, on the engine's machine. */
  readonly path: string;
  readonly target: string;
  readonly readOnly: boolean;
}

export interface Mount {
  /** The volume's name. */
  readonly volume: string;
  readonly target: string;
  readonly readOnly: boolean;
}

export interface PublishedPort {
  readonly containerPort: number;
  readonly protocol: "tcp" | "udp";
  readonly hostAddress: string;
  /** 0 lets the engine pick a free one. */
  readonly hostPort: number;
}

/** "127.0.0.1:9090", "[::1]:9090" */
export function hostPortText({
  hostAddress,
  hostPort,
}: Pick<PublishedPort, "hostAddress" | "hostPort">): string {
  return `${hostAddress.includes(":") ? `[${hostAddress}]` : hostAddress}:${hostPort}`;
}

export interface ContainerSpec {
  readonly name: string;
  readonly image: string;
  /** Replaces the image's entrypoint. */
  readonly entrypoint?: readonly string[];
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly labels: Labels;
  readonly mounts: readonly Mount[];
  readonly hostPaths?: readonly HostPath[];
  readonly ports: readonly PublishedPort[];
  /** Name of a network, or undefined for the engine's default bridge; "none" for no network at all. */
  readonly network: string | undefined;
  readonly hostname: string | undefined;
  readonly privileged: boolean;
  readonly capDrop: readonly string[];
  readonly capAdd: readonly string[];
  /** Device paths, the same in the container as on the host. */
  readonly devices: readonly string[];
  readonly sysctls: Readonly<Record<string, string>>;
  readonly securityOpt: readonly string[];
  readonly tty: boolean;
  readonly openStdin: boolean;
  /** The engine restarts the container unless it exits with 0. */
  readonly restartOnFailure?: boolean;
  /** /proc/sys is not read-only. */
  readonly writableSysctls?: boolean;
  /** The signal of a stop; the engine's default when undefined. */
  readonly stopSignal: string | undefined;
}

/**
 * Log driver of all containers, in the engine's notation. Limits the size: a guest's console must not fill the engine's disk.
 * The engine's default driver may have no limit, or may not support reading logs back.
 */
export const LOG = {
  driver: "json-file",
  options: { "max-size": "32m", "max-file": "2" },
} as const;

/** Defaults of a container without ports, devices, terminal and privileges. */
export const PLAIN = {
  ports: [],
  privileged: false,
  capAdd: [],
  devices: [],
  sysctls: {},
  securityOpt: ["no-new-privileges"],
  tty: false,
  openStdin: false,
  stopSignal: undefined,
} as const satisfies Partial<ContainerSpec>;
