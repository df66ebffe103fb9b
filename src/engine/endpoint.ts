import { KdockError } from "../core/errors.js";
import { redactUrls } from "../core/redact.js";
import type { Secret } from "../core/secret.js";

export type Endpoint =
  | { readonly kind: "unix"; readonly path: string }
  | {
      readonly kind: "tcp";
      readonly host: string;
      readonly port: number;
      readonly tls: Tls | undefined;
    }
  | {
      readonly kind: "ssh";
      readonly host: string;
      readonly user: string | undefined;
      readonly port: number | undefined;
      /** The engine's socket on the remote machine, when it is not the default one there. */
      readonly socket: string | undefined;
    };

/** PEM texts; undefined means: the system's authorities, no client certificate. */
export interface Tls {
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly key: Secret | undefined;
  /** False only where a docker context says so. */
  readonly verify: boolean;
}

export const DEFAULT_SOCKET = "/var/run/docker.sock";

/** What the docker CLI takes in DOCKER_HOST; `source` says where it was written, for the error. */
export function parseEndpoint(host: string, tls: Tls | undefined, source: string): Endpoint {
  const [scheme, rest] = split(host);
  switch (scheme) {
    case "unix":
      return { kind: "unix", path: rest === "" ? DEFAULT_SOCKET : rest };
    case "tcp":
    case "http":
    case "https":
      return tcpEndpoint(rest, tls ?? (scheme === "https" ? SYSTEM_TLS : undefined), host, source);
    case "ssh":
      return sshEndpoint(rest, host, source);
    default:
      throw malformed(host, source);
  }
}

/** As a person would recognise it, and as DOCKER_HOST takes it. */
export function endpointName(endpoint: Endpoint): string {
  switch (endpoint.kind) {
    case "unix":
      return `unix://${endpoint.path}`;
    case "tcp":
      return `tcp://${bracketed(endpoint.host)}:${endpoint.port}`;
    case "ssh": {
      const user = endpoint.user === undefined ? "" : `${endpoint.user}@`;
      const port = endpoint.port === undefined ? "" : `:${endpoint.port}`;
      return `ssh://${user}${bracketed(endpoint.host)}${port}${endpoint.socket ?? ""}`;
    }
  }
}

const SYSTEM_TLS: Tls = { ca: undefined, cert: undefined, key: undefined, verify: true };

function split(host: string): [scheme: string, rest: string] {
  const at = host.indexOf("://");
  // "localhost:2375" means tcp, as with the docker CLI.
  return at < 0 ? ["tcp", host] : [host.slice(0, at), host.slice(at + 3)];
}

function tcpEndpoint(rest: string, tls: Tls | undefined, host: string, source: string): Endpoint {
  const url = parseAuthority(rest, host, source);
  const port = url.port === "" ? (tls === undefined ? 2375 : 2376) : Number(url.port);
  return { kind: "tcp", host: unbracketed(url.hostname), port, tls };
}

/** A remote shell reads the socket's path, and ssh would take a host that starts with "-" for an option. */
const SAFE_PATH = /^\/[\w./-]*$/;

function sshEndpoint(rest: string, host: string, source: string): Endpoint {
  const url = parseAuthority(rest, host, source);
  const name = unbracketed(url.hostname);
  const user = decodeURIComponent(url.username);
  if (name.startsWith("-") || user.startsWith("-") || url.password !== "") {
    throw malformed(host, source);
  }
  const path = url.pathname === "/" ? "" : url.pathname;
  if (path !== "" && !SAFE_PATH.test(path)) throw malformed(host, source);
  return {
    kind: "ssh",
    host: name,
    user: user === "" ? undefined : user,
    port: url.port === "" ? undefined : Number(url.port),
    socket: path === "" ? undefined : path,
  };
}

function parseAuthority(rest: string, host: string, source: string): URL {
  // No scheme that has a default port: WHATWG URLs would swallow it.
  const text = `docker://${rest}`;
  if (!URL.canParse(text)) throw malformed(host, source);
  const url = new URL(text);
  if (url.hostname === "") throw malformed(host, source);
  return url;
}

function malformed(host: string, source: string): KdockError {
  return new KdockError(
    "environment",
    `${source}: ${JSON.stringify(redactUrls(host))} names no engine`,
    {
      hint: "Use unix:///path, tcp://host:port or ssh://user@host.",
    },
  );
}

function unbracketed(host: string): string {
  return host.replace(/^\[(.*)\]$/, "$1");
}

function bracketed(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}
