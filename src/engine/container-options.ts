import type Docker from "dockerode";
import { KdockError } from "../core/errors.js";
import { type HostPath, LOG } from "../core/plan/container-spec.js";
import type { ContainerSpec, PublishedPort } from "./engine.js";
import type { EngineKind } from "./podman.js";

/**
 * The body of the engine's "create container", word for word what the spec says and nothing else. Rejects with an
 * `engine` error a host path that Podman has no notation for.
 */
export function containerOptions(
  spec: ContainerSpec,
  kind: EngineKind,
): Docker.ContainerCreateOptions {
  return {
    Image: spec.image,
    ...(spec.entrypoint === undefined ? {} : { Entrypoint: [...spec.entrypoint] }),
    ...(spec.command.length === 0 ? {} : { Cmd: [...spec.command] }),
    ...(spec.hostname === undefined ? {} : { Hostname: spec.hostname }),
    ...(spec.stopSignal === undefined ? {} : { StopSignal: spec.stopSignal }),
    Env: Object.entries(spec.env).map(([name, value]) => `${name}=${value}`),
    Labels: { ...spec.labels },
    Tty: spec.tty,
    OpenStdin: spec.openStdin,
    // A console may be left and attached to again; its stdin outlives the connection.
    StdinOnce: false,
    ExposedPorts: Object.fromEntries(spec.ports.map((port) => [portKey(port), {}])),
    HostConfig: hostConfig(spec, kind),
  };
}

function hostConfig(spec: ContainerSpec, kind: EngineKind): Docker.HostConfig {
  const hostPaths = spec.hostPaths ?? [];
  const binds = kind === "podman" ? hostPaths.filter(({ path }) => !isMount(path)) : [];
  return {
    ...(binds.length === 0 ? {} : { Binds: binds.map(bind) }),
    Mounts: [
      ...spec.mounts.map(({ volume, target, readOnly }) => ({
        Type: "volume" as const,
        Source: volume,
        Target: target,
        ReadOnly: readOnly,
      })),
      ...hostPaths
        .filter((hostPath) => !binds.includes(hostPath))
        .map(({ path, target, readOnly }) => ({
          Type: "bind" as const,
          Source: path,
          Target: target,
          ReadOnly: readOnly,
        })),
    ],
    PortBindings: portBindings(spec.ports),
    ...(spec.network === undefined ? {} : { NetworkMode: spec.network }),
    Privileged: spec.privileged,
    CapDrop: [...spec.capDrop],
    CapAdd: [...spec.capAdd],
    Devices: spec.devices.map((path) => ({
      PathOnHost: path,
      PathInContainer: path,
      CgroupPermissions: "rwm",
    })),
    Sysctls: { ...spec.sysctls },
    SecurityOpt: [...spec.securityOpt],
    LogConfig: { Type: LOG.driver, Config: { ...LOG.options } },
    ...(spec.restartOnFailure === true ? { RestartPolicy: { Name: "on-failure" } } : {}),
    ...(spec.writableSysctls === true ? { ReadonlyPaths: [] } : {}),
  };
}

/** Podman puts a mount into one line of words between commas, and its path is not quoted there. */
function isMount(path: string): boolean {
  return !/[",]/.test(path);
}

function bind({ path, target, readOnly }: HostPath): string {
  if (path.includes(":")) {
    throw new KdockError("engine", `Podman cannot mount ${path}`, {
      hint: "Its name has a colon, and a comma or a quotation mark: Podman takes one or the other. Rename it.",
    });
  }
  return `${path}:${target}${readOnly ? ":ro" : ""}`;
}

function portBindings(ports: readonly PublishedPort[]): Docker.PortMap {
  const bindings: Record<string, { HostIp: string; HostPort: string }[]> = {};
  for (const port of ports) {
    // "" is the API's word for "any free one".
    const hostPort = port.hostPort === 0 ? "" : String(port.hostPort);
    (bindings[portKey(port)] ??= []).push({ HostIp: port.hostAddress, HostPort: hostPort });
  }
  return bindings;
}

function portKey(port: PublishedPort): string {
  return `${port.containerPort}/${port.protocol}`;
}
