import { z } from "zod";
import type {
  ContainerInfo,
  ContainerState,
  EngineInfo,
  ImageInfo,
  NetworkInfo,
  PublishedPort,
  VolumeInfo,
} from "./engine.js";

/** The parts of the engine's answers that kdock reads, checked and put in kdock's words. */

const Labels = z
  .record(z.string(), z.string())
  .nullish()
  .transform((labels) => labels ?? {});
const Strings = z
  .array(z.string())
  .nullish()
  .transform((strings) => strings ?? []);
/** RFC 3339, or missing for images that say no date. */
const Seconds = z
  .string()
  .nullish()
  .transform((date) => Math.floor((Date.parse(date ?? "") || 0) / 1000));

export const Id = z.object({ Id: z.string() });
export const Ids = z.array(Id);
export const ExitStatus = z.object({ StatusCode: z.number() });
export const ExecState = z.object({ Running: z.boolean(), ExitCode: z.number().nullish() });
/** How a container's input and output are to be read. */
export const ContainerStdio = z
  .object({ Config: z.object({ Tty: z.boolean(), OpenStdin: z.boolean() }) })
  .transform(({ Config }) => ({ tty: Config.Tty, openStdin: Config.OpenStdin }));

const Info = z.object({
  ServerVersion: z.string(),
  NCPU: z.number(),
  MemTotal: z.number(),
  DockerRootDir: z.string(),
  OperatingSystem: z.string(),
  Architecture: z.string(),
  SecurityOptions: Strings,
  /** Podman's word, whose options do not tell. */
  Rootless: z.boolean().nullish(),
});

/** Docker says it as `uname -m` does, Podman as Go does. */
const MACHINES: Readonly<Record<string, string>> = { amd64: "x86_64", arm64: "aarch64" };

export function engineInfo(
  json: unknown,
  { endpoint, kind }: Pick<EngineInfo, "endpoint" | "kind">,
): EngineInfo {
  const info = Info.parse(json);
  return {
    endpoint,
    kind,
    version: info.ServerVersion,
    cpus: info.NCPU,
    memoryBytes: info.MemTotal,
    rootDir: info.DockerRootDir,
    operatingSystem: info.OperatingSystem,
    architecture: MACHINES[info.Architecture] ?? info.Architecture,
    rootless:
      info.Rootless === true ||
      info.SecurityOptions.some((option) => option.includes("name=rootless")),
  };
}

const Image = z.object({
  Id: z.string(),
  RepoTags: Strings,
  RepoDigests: Strings,
  RootFS: z.object({ Layers: Strings }).nullish(),
  Config: z.object({ Labels }).nullish(),
  Size: z.number().default(0),
  Created: Seconds,
});

export function imageInfo(json: unknown): ImageInfo {
  const image = Image.parse(json);
  return {
    id: image.Id,
    tags: image.RepoTags,
    repoDigests: image.RepoDigests,
    layers: image.RootFS?.Layers ?? [],
    labels: image.Config?.Labels ?? {},
    sizeBytes: image.Size,
    createdAt: image.Created,
  };
}

const Volumes = z.object({ Volumes: z.array(z.object({ Name: z.string(), Labels })).nullish() });

export function volumeInfos(json: unknown): VolumeInfo[] {
  const volumes = Volumes.parse(json).Volumes ?? [];
  return volumes.map((volume) => ({ name: volume.Name, labels: volume.Labels }));
}

/** What an isolated network of Docker's has; both are older than engine 20.10. */
export const ISOLATED = {
  "com.docker.network.bridge.inhibit_ipv4": "true",
  "com.docker.network.bridge.enable_ip_masquerade": "false",
} as const;

/** Podman calls it "mtu". */
export const MTU_OPTION = "com.docker.network.driver.mtu";

const Networks = z.array(
  z.object({
    Id: z.string(),
    Name: z.string(),
    Labels,
    IPAM: z
      .object({ Config: z.array(z.object({ Subnet: z.string().optional() })).nullish() })
      .nullish(),
    Options: z.record(z.string(), z.string()).nullish(),
    Internal: z.boolean().nullish(),
  }),
);

export function networkInfos(json: unknown): NetworkInfo[] {
  return Networks.parse(json).map((network) => ({
    id: network.Id,
    name: network.Name,
    labels: network.Labels,
    subnets: (network.IPAM?.Config ?? []).flatMap(({ Subnet }) =>
      Subnet?.includes(".") === true ? [Subnet] : [],
    ),
    mtu: mtuOf(network.Options?.[MTU_OPTION] ?? network.Options?.["mtu"]),
    isolated:
      network.Internal === true ||
      Object.entries(ISOLATED).every(([option, value]) => network.Options?.[option] === value),
  }));
}

const Connected = z.object({
  NetworkSettings: z.object({
    Networks: z.record(z.string(), z.object({ MacAddress: z.string().optional() })).nullish(),
  }),
});

/** By the names of the networks that a container is connected to, the MAC addresses of its interfaces. */
export function connectedNetworks(json: unknown): ReadonlyMap<string, string | undefined> {
  const networks = Object.entries(Connected.parse(json).NetworkSettings.Networks ?? {});
  return new Map(networks.map(([name, { MacAddress }]) => [name, MacAddress]));
}

function mtuOf(text: string | undefined): number | undefined {
  return text !== undefined && /^[1-9]\d*$/.test(text) ? Number(text) : undefined;
}

const Containers = z.array(
  z.object({
    Id: z.string(),
    Names: Strings,
    Image: z.string(),
    Labels,
    State: z.string(),
    Status: z.string(),
    Created: z.number(),
    Ports: z
      .array(
        z.object({
          IP: z.string().optional(),
          PrivatePort: z.number(),
          PublicPort: z.number().optional(),
          Type: z.string(),
        }),
      )
      .nullish(),
  }),
);

/** Newest first. */
export function containerInfos(json: unknown): ContainerInfo[] {
  const containers = Containers.parse(json).map((container) => ({
    id: container.Id,
    name: container.Names[0]?.replace(/^\//, "") ?? "",
    image: container.Image,
    labels: container.Labels,
    running: container.State === "running",
    status: container.Status,
    ports: (container.Ports ?? []).flatMap((port) =>
      publishedPort(port.PrivatePort, port.Type, port.IP, port.PublicPort),
    ),
    createdAt: container.Created,
  }));
  return containers.sort((a, b) => b.createdAt - a.createdAt);
}

const HostPorts = z.array(z.object({ HostIp: z.string(), HostPort: z.string() })).nullable();
const State = z.object({
  State: z.object({
    Status: z.string(),
    Running: z.boolean(),
    ExitCode: z.number(),
    OOMKilled: z.boolean(),
    Error: z.string(),
  }),
  NetworkSettings: z.object({
    Ports: z.record(z.string(), HostPorts).nullish(),
    Networks: z
      .record(z.string(), z.object({ IPAddress: z.string(), Gateway: z.string() }))
      .nullish(),
  }),
});

export function containerState(json: unknown): ContainerState & { readonly ended: boolean } {
  const { State: state, NetworkSettings: settings } = State.parse(json);
  const network = Object.values(settings.Networks ?? {})[0];
  const ports = Object.entries(settings.Ports ?? {}).flatMap(([key, bindings]) => {
    const [port, protocol] = key.split("/");
    return (bindings ?? []).flatMap(({ HostIp, HostPort }) =>
      publishedPort(Number(port), protocol, HostIp, Number(HostPort)),
    );
  });
  return {
    running: state.Running,
    ended: state.Status === "exited" || state.Status === "dead",
    exitCode: state.ExitCode,
    oomKilled: state.OOMKilled,
    error: state.Error,
    address: network?.IPAddress ?? "",
    gateway: network?.Gateway ?? "",
    ports,
  };
}

/** None when the port is exposed only, or of a protocol that kdock does not publish. */
function publishedPort(
  containerPort: number,
  protocol: string | undefined,
  hostAddress = "",
  hostPort = 0,
): PublishedPort[] {
  if (protocol !== "tcp" && protocol !== "udp") return [];
  if (hostPort === 0) return [];
  return [{ containerPort, protocol, hostAddress, hostPort }];
}
