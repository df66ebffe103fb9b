import { docker } from "./kdock.js";

/**
 * What the engine that the tests run on cannot do, or does in another way than Docker. docs/engines.md tells it to users;
 * tests expect that there instead.
 */
export interface EngineLimits {
  /** A killed kdock whose output nobody read leaves its command in the guest: the engine sees a reset for no end. */
  readonly keepsInputAfterReset: boolean;
  /** Ports of the host that are the engine's choice are one port where they lead to the same port of the guest. */
  readonly mergesEqualPorts: boolean;
  /** What is published on [::1] leads nowhere: there is no NAT from there, and no proxy. Its clients hear nothing. */
  readonly noPortsOnLoopback6: boolean;
  /** The engine's machine has an address on the network between VMs. */
  readonly hostOnLan: boolean;
  /** Whose bridges keep no known MAC address: a container with NET_ADMIN passes for the gateway, and reaches gdbstubs. */
  readonly gatewayCanBePosed: boolean;
  /** Name of a container's interface in the network between VMs: not every engine takes a prefix for it. */
  readonly lanInterface: string;
}

const DOCKER: EngineLimits = {
  keepsInputAfterReset: false,
  mergesEqualPorts: false,
  noPortsOnLoopback6: false,
  hostOnLan: false,
  gatewayCanBePosed: false,
  lanInterface: "lan0",
};

/** 4.3 */
const PODMAN: EngineLimits = {
  keepsInputAfterReset: true,
  mergesEqualPorts: true,
  noPortsOnLoopback6: true,
  hostOnLan: true,
  gatewayCanBePosed: true,
  lanInterface: "eth1",
};

const isPodman = (await docker("version", "--format", "{{json .Server.Components}}")).includes(
  '"Podman Engine"',
);
export const LIMITS = isPodman ? PODMAN : DOCKER;
