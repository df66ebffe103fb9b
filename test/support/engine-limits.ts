import { docker } from "./kdock.js";

/**
 * What the engine that the tests run on cannot do, or does in another way than Docker. docs/explanation/engines.md tells it to users;
 * tests expect that there instead.
 */
export interface EngineLimits {
  /** A command's input stays open when a killed kdock's connection is reset, as it is with output unread. */
  readonly keepsInputAfterReset: boolean;
  /** A port of the guest that is published twice on ports of the engine's choice is published once. */
  readonly mergesEqualPorts: boolean;
  /** A port on [::1] is not translated: clients connect to the engine itself, and hear nothing. */
  readonly noPortsOnLoopback6: boolean;
  /** The engine's machine has an address on the network between VMs. */
  readonly hostOnLan: boolean;
  /** The bridge's MAC address is not known: a container with NET_ADMIN passes for the gateway, and reaches gdbstubs. */
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
