import type { GdbConfig } from "../../config/config.js";
import { hostPortText, type PublishedPort } from "../../core/plan/container-spec.js";

/** What kdock.yaml says about debugging from this machine. */
export interface GdbPlan {
  /** "127.0.0.1:1234"; undefined without a gdbserver, and when its port is only known once a VM runs. */
  readonly address: string | undefined;
  /** Absolute paths of the user's own gdb scripts, in order. */
  readonly scripts: readonly string[];
}

export function gdbPlan({ enable, listen, scripts }: GdbConfig, folder: string): GdbPlan {
  return {
    address: enable && listen.port !== 0 ? gdbAddress(listen.address, listen.port) : undefined,
    scripts: scripts.map((path) => (path.startsWith("/") ? path : `${folder}/${path}`)),
  };
}

/** Where gdb connects to for a port that is published: "every address" of a machine is no address to call. */
export function publishedAddress({ hostAddress, hostPort }: PublishedPort): string {
  return gdbAddress(hostAddress, hostPort);
}

function gdbAddress(address: string, port: number): string {
  if (address === "0.0.0.0" || address === "") return `127.0.0.1:${port}`;
  if (address === "::") return `[::1]:${port}`;
  return hostPortText({ hostAddress: address, hostPort: port });
}
