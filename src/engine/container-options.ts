import type Docker from "dockerode";
import { LOG } from "../plan/container-spec.js";
import type { ContainerSpec, PublishedPort } from "./engine.js";

/** The body of the engine's "create container", word for word what the spec says and nothing else. */
export function containerOptions(spec: ContainerSpec): Docker.ContainerCreateOptions {
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
    HostConfig: hostConfig(spec),
  };
}

function hostConfig(spec: ContainerSpec): Docker.HostConfig {
  return {
    Mounts: [
      ...spec.mounts.map(({ volume, target, readOnly }) => ({
        Type: "volume" as const,
        Source: volume,
        Target: target,
        ReadOnly: readOnly,
      })),
      ...(spec.hostPaths ?? []).map(({ path, target, readOnly }) => ({
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
