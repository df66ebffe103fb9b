import { Agent } from "node:https";
import type Dockerode from "dockerode";
import { KdockError, messageOf } from "../core/errors.js";
import { carefulModem, wholeText } from "./careful-modem.js";
import { type ConnectOptions, readIfThere } from "./connect-options.js";
import { dial } from "./dial.js";
import { endpointName, type Endpoint } from "./endpoint.js";
import { connectionHint, unreachableReason } from "./engine-error.js";
import { engineSearch, type Candidate, type Env } from "./engine-search.js";
import type { Engine } from "./engine.js";
import { type EngineKind, kindOf } from "./podman.js";
import { sshAgent } from "./ssh-agent.js";

/** A local engine answers a ping at once, even a busy one; ssh may have to log in first. */
const PING_TIMEOUT_MS = { unix: 10_000, tcp: 15_000, ssh: 45_000 } as const;

/**
 * The engine the docker CLI would talk to, or else the first of the usual ones that answers. Rejects with an
 * `environment` error that lists every place tried. Call it only when an engine is needed: it loads dockerode, which
 * takes a good part of a second with its 71 packages, and which must not be imported statically for that reason.
 */
export async function connectEngine(options: ConnectOptions): Promise<Engine> {
  const { env, home, onLeak } = options;
  const search = engineSearch(env, home, readIfThere);
  const { DockerEngine } = await import("./docker-engine.js");
  const failures: Failure[] = [];
  for (const candidate of search.candidates) {
    try {
      const { docker, kind } = await answeringEngine(candidate.endpoint, env);
      return new DockerEngine(docker, endpointName(candidate.endpoint), kind, onLeak);
    } catch (error) {
      failures.push({ candidate, error });
    }
  }
  throw noEngine(failures);
}

interface Failure {
  readonly candidate: Candidate;
  readonly error: unknown;
}

async function answeringEngine(endpoint: Endpoint, env: Env): Promise<AnsweringEngine> {
  const { default: Docker } = await import("dockerode");
  // Every key is given: docker-modem takes missing ones from the process's own DOCKER_HOST.
  const options: object = { ...UNSET, ...dockerOptions(endpoint, env) };
  const modem = carefulModem(new Docker(options).modem);
  const docker = new Docker({ modem } as object);

  const timeoutMs = PING_TIMEOUT_MS[endpoint.kind];
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    const answer = await dial(docker, { method: "GET", path: "/_ping", query: {}, signal });
    await wholeText(answer);
    return { docker, kind: kindOf(answer) };
  } catch (cause) {
    if (!signal.aborted) throw cause;
    throw new Error(`no answer within ${timeoutMs / 1000} s`, { cause });
  }
}

interface AnsweringEngine {
  readonly docker: Dockerode;
  readonly kind: EngineKind;
}

const UNSET = {
  ...{ socketPath: undefined, host: undefined, port: undefined, username: undefined },
  ...{ ca: undefined, cert: undefined, key: undefined, timeout: undefined, agent: undefined },
} as const;

function dockerOptions(endpoint: Endpoint, env: Env): object {
  switch (endpoint.kind) {
    case "unix":
      return { protocol: "http", socketPath: endpoint.path };
    case "tcp": {
      const { host, port, tls } = endpoint;
      if (tls === undefined) return { protocol: "http", host, port };
      const { ca, cert, key, verify } = tls;
      return {
        protocol: "https",
        host,
        port,
        agent: new Agent({
          ...{ ca, cert, rejectUnauthorized: verify },
          key: key && Buffer.from(key.revealSecret()),
        }),
      };
    }
    case "ssh":
      // The name is only for the Host header: the agent knows where to go.
      return { protocol: "http", host: "docker.invalid", port: 80, agent: sshAgent(endpoint, env) };
  }
}

const SSH_HINT = "Make `ssh HOST docker version` work first: kdock connects the same way.";

function noEngine(failures: readonly Failure[]): KdockError {
  const lines = failures.map(({ candidate, error }) => {
    const reason = unreachableReason(error) ?? messageOf(error);
    return `  ${endpointName(candidate.endpoint)} (${candidate.source}): ${reason}`;
  });
  const errors = failures.map(({ error }) => error);
  const ssh = failures.find(({ candidate }) => candidate.endpoint.kind === "ssh");
  return new KdockError("environment", `no container engine answers:\n${lines.join("\n")}`, {
    hint: ssh === undefined ? connectionHint(errors) : SSH_HINT,
    cause: errors.length === 1 ? errors[0] : new AggregateError(errors),
  });
}
