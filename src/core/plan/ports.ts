import type { PortForward } from "../../config/config.js";
import { KdockError } from "../errors.js";
import { hostPortText, type PublishedPort } from "./container-spec.js";
import { INSIDE } from "./names.js";

/** A port of the guest, and the container's port that forwards to it. Several host ports may be published for one. */
export interface GuestPort {
  readonly protocol: "tcp" | "udp";
  readonly containerPort: number;
  readonly guestPort: number;
}

/** Whether it is the port of QEMU's gdbstub, not one of the guest. */
export function isGdbPort(port: Pick<PublishedPort, "protocol" | "containerPort">): boolean {
  return port.protocol === "tcp" && port.containerPort === INSIDE.gdbPort;
}

/**
 * The published ports of the guest, without duplicates. The container's port has the same number, except for the gdbstub's: a
 * guest's port of that number gets the next free one.
 */
export function guestPorts(forwards: readonly PortForward[]): readonly GuestPort[] {
  const first = forwards.filter(
    (port, at) => forwards.findIndex((other) => isSameGuestPort(port, other)) === at,
  );
  const taken = new Set(first.map(({ guestPort }) => guestPort));
  return first.map(({ protocol, guestPort }) => {
    const isFree = !isGdbPort({ protocol, containerPort: guestPort });
    return {
      ...{ protocol, guestPort },
      containerPort: isFree ? guestPort : nextFree(INSIDE.gdbPort, taken),
    };
  });
}

function isSameGuestPort(one: PortForward, other: PortForward): boolean {
  return one.protocol === other.protocol && one.guestPort === other.guestPort;
}

function nextFree(port: number, taken: ReadonlySet<number>): number {
  return taken.has(port + 1) ? nextFree(port + 1, taken) : port + 1;
}

/** The guest's ports, as published on the host. */
export function publishedGuestPorts(forwards: readonly PortForward[]): readonly PublishedPort[] {
  const ports = guestPorts(forwards);
  return forwards.flatMap(({ protocol, guestPort, hostAddress, hostPort }) =>
    ports
      .filter((port) => port.protocol === protocol && port.guestPort === guestPort)
      .map(({ containerPort }) => ({ protocol, containerPort, hostAddress, hostPort })),
  );
}

/** Throws a `config` error for a host port that is published twice. */
export function checkHostPorts(published: readonly PublishedPort[]): void {
  for (const [at, port] of published.entries()) {
    const other = published.slice(0, at).find((before) => conflict(port, before));
    if (other === undefined) continue;
    const isGdb = isGdbPort(other);
    throw new KdockError(
      "config",
      `vm.ports: ${hostPortText(port)}/${port.protocol} is given twice${isGdb ? ": gdb.listen uses it for gdbserver" : ""}`,
      {
        hint: isGdb
          ? "Choose another host port (--publish), or another one for gdbserver (--gdb); 0 takes any free one."
          : "Choose another host port (--publish); 0 takes any free one.",
      },
    );
  }
}

function conflict(one: PublishedPort, other: PublishedPort): boolean {
  const addresses = [one.hostAddress, other.hostAddress];
  const [isIpv6 = false, isOtherIpv6] = addresses.map((address) => address.includes(":"));
  const isAny = addresses.some((address) => address === "0.0.0.0" || address === "::");
  return (
    one.hostPort !== 0 &&
    one.hostPort === other.hostPort &&
    one.protocol === other.protocol &&
    (one.hostAddress === other.hostAddress || (isAny && isIpv6 === isOtherIpv6))
  );
}
