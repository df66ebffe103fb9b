import { KdockError, messageOf } from "../core/errors.js";
import { type Address, EngineClient, textOf } from "./client.js";
import { type ConnectOptions, readIfThere } from "./connect-options.js";
import { endpointName, type Endpoint } from "./endpoint.js";
import { connectionHint, unreachableReason } from "./engine-error.js";
import { engineSearch, type Candidate, type Env } from "./engine-search.js";
import { type EngineKind, kindOf } from "./podman.js";

/** An engine that answers. */
export interface FoundEngine {
  readonly client: EngineClient;
  readonly kind: EngineKind;
  /** As `endpointName` has it. */
  readonly endpoint: string;
}

/** A local engine answers a ping at once, even a busy one; ssh may have to log in first. */
const PING_TIMEOUT_MS = { unix: 10_000, tcp: 15_000, ssh: 45_000 } as const;

/**
 * The engine the docker CLI would talk to, or else the first of the usual ones that answers. Rejects with an
 * `environment` error that lists every place tried.
 */
export async function findEngine({ env, home }: ConnectOptions): Promise<FoundEngine> {
  const failures: Failure[] = [];
  for (const candidate of engineSearch(env, home, readIfThere).candidates) {
    try {
      return await answeringEngine(candidate.endpoint, env);
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

async function answeringEngine(endpoint: Endpoint, env: Env): Promise<FoundEngine> {
  const client = new EngineClient(await addressOf(endpoint, env));
  const timeoutMs = PING_TIMEOUT_MS[endpoint.kind];
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    const answer = await client.open({ method: "GET", path: "/_ping", signal });
    await textOf(answer);
    return { client, kind: kindOf(answer), endpoint: endpointName(endpoint) };
  } catch (cause) {
    if (!signal.aborted) throw cause;
    throw new Error(`no answer within ${timeoutMs / 1000} s`, { cause });
  }
}

async function addressOf(endpoint: Endpoint, env: Env): Promise<Address> {
  switch (endpoint.kind) {
    case "unix":
      return { socketPath: endpoint.path };
    case "tcp": {
      const { host, port, tls } = endpoint;
      if (tls === undefined) return { host, port };
      const { ca, cert, key, verify } = tls;
      const { Agent } = await import("node:https");
      const agent = new Agent({
        ...{ ca, cert, rejectUnauthorized: verify },
        key: key && Buffer.from(key.revealSecret()),
      });
      return { protocol: "https:", host, port, agent };
    }
    case "ssh": {
      const { sshAgent } = await import("./ssh-agent.js");
      // The name is only for the Host header: the agent knows where to go.
      return { host: "docker.invalid", port: 80, agent: sshAgent(endpoint, env) };
    }
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
