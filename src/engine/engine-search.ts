import { join } from "node:path";
import { DEFAULT_SOCKET, parseEndpoint, type Endpoint } from "./endpoint.js";
import { contextEndpoint, currentContext, readTls, type ReadFile } from "./docker-context.js";

export type Env = Readonly<Record<string, string | undefined>>;

export interface Candidate {
  readonly endpoint: Endpoint;
  /** Who says so: "DOCKER_HOST", "docker context lab", "default". */
  readonly source: string;
}

/** `named`: the user chose it, so nothing else will do. `usual`: tried in order. */
export interface EngineSearch {
  readonly kind: "named" | "usual";
  readonly candidates: readonly Candidate[];
}

/**
 * Where to look for an engine: where the docker CLI looks (DOCKER_HOST, DOCKER_CONTEXT, the current context, the
 * default socket), then where rootless Docker, Docker Desktop and Podman listen.
 */
export function engineSearch(env: Env, home: string, readFile: ReadFile): EngineSearch {
  const host = given(env, "DOCKER_HOST");
  const configDir = given(env, "DOCKER_CONFIG") ?? join(home, ".docker");
  if (host !== undefined) {
    const endpoint = parseEndpoint(host, hostTls(env, configDir, readFile), "DOCKER_HOST");
    return { kind: "named", candidates: [{ endpoint, source: "DOCKER_HOST" }] };
  }

  const context = given(env, "DOCKER_CONTEXT") ?? currentContext(configDir, readFile);
  if (context !== undefined && context !== "default") {
    const endpoint = contextEndpoint(context, configDir, readFile);
    return { kind: "named", candidates: [{ endpoint, source: `docker context ${context}` }] };
  }
  return { kind: "usual", candidates: usualPlaces(env, home) };
}

function usualPlaces(env: Env, home: string): Candidate[] {
  const runtime = given(env, "XDG_RUNTIME_DIR");
  const inRuntime = (name: string, source: string): [string, string][] =>
    runtime === undefined ? [] : [[join(runtime, name), source]];
  const places: [path: string, source: string][] = [
    [DEFAULT_SOCKET, "default"],
    ...inRuntime("docker.sock", "rootless Docker"),
    [join(home, ".docker/run/docker.sock"), "Docker Desktop"],
    [join(home, ".docker/desktop/docker.sock"), "Docker Desktop"],
    ...inRuntime("podman/podman.sock", "rootless Podman"),
    ["/run/podman/podman.sock", "Podman"],
  ];
  return places.map(([path, source]) => ({ endpoint: { kind: "unix", path }, source }));
}

/** As the docker CLI has it: any value turns TLS on, and the files are looked for beside its configuration. */
function hostTls(env: Env, configDir: string, readFile: ReadFile) {
  if (given(env, "DOCKER_TLS_VERIFY") === undefined) return undefined;
  return readTls(given(env, "DOCKER_CERT_PATH") ?? configDir, readFile, true);
}

/** An empty variable is an unset one. */
function given(env: Env, name: string): string | undefined {
  const value = env[name];
  return value === "" ? undefined : value;
}
