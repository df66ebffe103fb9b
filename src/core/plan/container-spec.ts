export type Labels = Readonly<Record<string, string>>;

/** A file or folder of the user's, which they asked for by name: nothing else of the host is mounted. */
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
  /** In the place of the image's own. */
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
  /** Device paths, the same inside as outside. */
  readonly devices: readonly string[];
  readonly sysctls: Readonly<Record<string, string>>;
  readonly securityOpt: readonly string[];
  readonly tty: boolean;
  readonly openStdin: boolean;
  /** Started again by the engine whenever it ends otherwise than with exit code 0. */
  readonly restartOnFailure?: boolean;
  /** /proc/sys is not read-only. */
  readonly writableSysctls?: boolean;
  /** A soft stop's signal; the engine's default when undefined. */
  readonly stopSignal: string | undefined;
}

/**
 * How an engine keeps what a container writes: a guest must not fill the engine's disk with its console. Not left to the
 * engine's own default, which may have no limit, or may not give back what it was given. In the engine's notation.
 */
export const LOG = {
  driver: "json-file",
  options: { "max-size": "32m", "max-file": "2" },
} as const;

/** What every container has that only works: no ports, devices or terminal, and no way to gain privileges. */
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
