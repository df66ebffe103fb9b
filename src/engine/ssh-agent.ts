import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { Agent } from "node:http";
import { Duplex } from "node:stream";
import type { Endpoint } from "./endpoint.js";
import type { Env } from "./engine-search.js";

type SshEndpoint = Extract<Endpoint, { kind: "ssh" }>;

/**
 * Connects as the docker CLI does, through the user's own ssh: its configuration, agent and known hosts apply.
 * `env` is ssh's environment. Connections are kept, because making one takes ssh about a second.
 */
export function sshAgent(endpoint: SshEndpoint, env: Env): Agent {
  const agent = new Agent({ keepAlive: true });
  // @types/node 20 leaves it out; documented in https://nodejs.org/api/http.html#agentcreateconnectionoptions-callback
  return Object.assign(agent, {
    createConnection: () => new SshConnection(spawn("ssh", sshArgs(endpoint), { env })),
  });
}

export function sshArgs(endpoint: SshEndpoint): string[] {
  const { host, user, port, socket } = endpoint;
  return [
    ...["-o", "ConnectTimeout=30", "-T"],
    ...(user === undefined ? [] : ["-l", user]),
    ...(port === undefined ? [] : ["-p", String(port)]),
    ...["--", host, "docker"],
    ...(socket === undefined ? [] : ["--host", `unix://${socket}`]),
    ...["system", "dial-stdio"],
  ];
}

/** The end of what ssh complains of is what the user needs. */
const COMPLAINT_BYTES = 2_000;

/** ssh's stdin and stdout in the role of a socket. */
class SshConnection extends Duplex {
  readonly #ssh: ChildProcessWithoutNullStreams;
  #complaint = "";

  constructor(ssh: ChildProcessWithoutNullStreams) {
    super({ allowHalfOpen: true });
    this.#ssh = ssh;
    ssh.stdout.on("data", (chunk: Uint8Array) => {
      if (!this.push(chunk)) ssh.stdout.pause();
    });
    ssh.stderr.on("data", (chunk: Uint8Array) => {
      this.#complaint = (this.#complaint + String(chunk)).slice(-COMPLAINT_BYTES);
    });
    // Writing to an ssh that has ended fails; why it ended is told on "close".
    ssh.stdin.on("error", () => undefined);
    ssh.on("error", (error) => this.destroy(new SshError(`cannot run ssh: ${error.message}`)));
    ssh.on("close", (code) => {
      if (code === 0) this.push(null);
      else
        this.destroy(new SshError(this.#complaint.trim() || `ssh ended with code ${code ?? "-"}`));
    });
  }

  override _read(): void {
    this.#ssh.stdout.resume();
  }

  override _write(chunk: Uint8Array, _encoding: string, done: () => void): void {
    this.#ssh.stdin.write(chunk, () => {
      done();
    });
  }

  override _final(done: () => void): void {
    this.#ssh.stdin.end(done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#ssh.kill();
    done(error);
  }

  /** What http.Agent asks of a socket that it keeps: do not keep the process alive. The rest is ssh's own affair. */
  setKeepAlive(): this {
    return this;
  }
  setTimeout(): this {
    return this;
  }
  unref(): void {
    this.#each("unref");
  }
  ref(): void {
    this.#each("ref");
  }

  #each(verb: "ref" | "unref"): void {
    this.#ssh[verb]();
    for (const pipe of this.#ssh.stdio) (pipe as unknown as import("node:net").Socket)[verb]();
  }
}

class SshError extends Error {
  readonly code = "SSH";
}
