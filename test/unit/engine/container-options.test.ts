import { describe, expect, it } from "vitest";
import { containerOptions } from "../../../src/engine/container-options.js";
import type { ContainerSpec } from "../../../src/engine/engine.js";

const least: ContainerSpec = {
  name: "vm",
  image: "kdock/vm",
  command: [],
  env: {},
  labels: {},
  mounts: [],
  ports: [],
  network: undefined,
  hostname: undefined,
  privileged: false,
  capDrop: [],
  capAdd: [],
  devices: [],
  sysctls: {},
  securityOpt: [],
  tty: false,
  openStdin: false,
  stopSignal: undefined,
};

it("leaves to the engine what the spec leaves open", () => {
  expect(containerOptions(least, "docker")).toEqual({
    Image: "kdock/vm",
    Env: [],
    Labels: {},
    Tty: false,
    OpenStdin: false,
    StdinOnce: false,
    ExposedPorts: {},
    HostConfig: {
      Mounts: [],
      PortBindings: {},
      Privileged: false,
      CapDrop: [],
      CapAdd: [],
      Devices: [],
      Sysctls: {},
      SecurityOpt: [],
      LogConfig: { Type: "json-file", Config: { "max-size": "32m", "max-file": "2" } },
    },
  });
});

const gdb = {
  containerPort: 1234,
  protocol: "tcp",
  hostAddress: "127.0.0.1",
  hostPort: 0,
} as const;

it.each<[string, Partial<ContainerSpec>, object]>([
  ["command", { command: ["sh", "-c", "a b"] }, { Cmd: ["sh", "-c", "a b"] }],
  ["env", { env: { A: "1", B: "x=y z" } }, { Env: ["A=1", "B=x=y z"] }],
  ["labels", { labels: { "io.kdock.role": "vm" } }, { Labels: { "io.kdock.role": "vm" } }],
  ["hostname", { hostname: "guest" }, { Hostname: "guest" }],
  ["stop signal", { stopSignal: "SIGINT" }, { StopSignal: "SIGINT" }],
  ["terminal", { tty: true, openStdin: true }, { Tty: true, OpenStdin: true, StdinOnce: false }],
  ["network", { network: "none" }, { HostConfig: { NetworkMode: "none" } }],
  [
    "mounts",
    { mounts: [{ volume: "src", target: "/src", readOnly: true }] },
    { HostConfig: { Mounts: [{ Type: "volume", Source: "src", Target: "/src", ReadOnly: true }] } },
  ],
  [
    "files of the host",
    { hostPaths: [{ path: "/home/ada/a.img", target: "/disks/0", readOnly: false }] },
    {
      HostConfig: {
        Mounts: [{ Type: "bind", Source: "/home/ada/a.img", Target: "/disks/0", ReadOnly: false }],
      },
    },
  ],
  [
    "ports, several of one among them",
    { ports: [gdb, { ...gdb, hostAddress: "10.0.0.1", hostPort: 99 }] },
    {
      ExposedPorts: { "1234/tcp": {} },
      HostConfig: {
        PortBindings: {
          "1234/tcp": [
            { HostIp: "127.0.0.1", HostPort: "" },
            { HostIp: "10.0.0.1", HostPort: "99" },
          ],
        },
      },
    },
  ],
  [
    "privileges",
    {
      privileged: true,
      capDrop: ["ALL"],
      capAdd: ["NET_ADMIN"],
      devices: ["/dev/kvm"],
      sysctls: { "net.ipv4.ip_forward": "1" },
      securityOpt: ["no-new-privileges"],
    },
    {
      HostConfig: {
        Privileged: true,
        CapDrop: ["ALL"],
        CapAdd: ["NET_ADMIN"],
        Devices: [
          { PathOnHost: "/dev/kvm", PathInContainer: "/dev/kvm", CgroupPermissions: "rwm" },
        ],
        Sysctls: { "net.ipv4.ip_forward": "1" },
        SecurityOpt: ["no-new-privileges"],
      },
    },
  ],
])("maps %s", (_name, change, expected) => {
  expect(containerOptions({ ...least, ...change }, "docker")).toMatchObject(expected);
});

it("puts another program in the place of the image's own", () => {
  expect(
    containerOptions({ ...least, entrypoint: ["sh", "/in/x.sh"] }, "docker").Entrypoint,
  ).toEqual(["sh", "/in/x.sh"]);
});

it("starts again what fails, and leaves /proc/sys writable, where that is asked for", () => {
  const { HostConfig } = containerOptions(
    {
      ...least,
      restartOnFailure: true,
      writableSysctls: true,
    },
    "docker",
  );
  expect(HostConfig).toMatchObject({ RestartPolicy: { Name: "on-failure" }, ReadonlyPaths: [] });
});

describe("a host path on Podman", () => {
  const mounted = (path: string) => {
    const hostPaths = [{ path, target: "/x", readOnly: true }];
    const { Binds, Mounts } = containerOptions({ ...least, hostPaths }, "podman").HostConfig ?? {};
    return { Binds, sources: Mounts?.map(({ Source }) => Source) };
  };

  it("is a mount", () => {
    expect(mounted("/a: b")).toEqual({ Binds: undefined, sources: ["/a: b"] });
  });

  it.each(["/a,b", '/a"b'])("%s is a bind, since Podman splits mounts at commas", (path) => {
    expect(mounted(path)).toEqual({ Binds: [`${path}:/x:ro`], sources: [] });
  });

  it("that fits neither is refused by its name", () => {
    expect(() => mounted("/a:b,c")).toThrow("Podman cannot mount /a:b,c");
  });
});
