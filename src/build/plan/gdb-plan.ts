import type { GdbConfig } from "../../config/config.js";
import { hostPortText, type PublishedPort } from "../../core/plan/container-spec.js";

/** Settings for debugging from the host. */
export interface GdbPlan {
  /** "127.0.0.1:1234"; undefined without a gdbserver, and when its port is only known once a VM runs. */
  readonly address: string | undefined;
  /** Absolute paths of the user's gdb scripts, in order. */
  readonly scripts: readonly string[];
}

export function gdbPlan({ enable, listen, scripts }: GdbConfig, folder: string): GdbPlan {
  return {
    address: enable && listen.port !== 0 ? gdbAddress(listen.address, listen.port) : undefined,
    scripts: scripts.map((path) => (path.startsWith("/") ? path : `${folder}/${path}`)),
  };
}

/** The address that gdb connects to for a published port: loopback instead of a wildcard address. */
export function publishedAddress({ hostAddress, hostPort }: PublishedPort): string {
  return gdbAddress(hostAddress, hostPort);
}

function gdbAddress(address: string, port: number): string {
  if (address === "0.0.0.0" || address === "") return `127.0.0.1:${port}`;
  if (address === "::") return `[::1]:${port}`;
  return hostPortText({ hostAddress: address, hostPort: port });
}
