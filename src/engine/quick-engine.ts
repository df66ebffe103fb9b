import { request, type ClientRequestArgs, type IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { KdockError } from "../core/errors.js";
import { wholeText } from "./careful-modem.js";
import { type ConnectOptions, readIfThere } from "./connect-options.js";
import { ContainerStream } from "./container-stream.js";
import type { Endpoint } from "./endpoint.js";
import { engineCall, unreachableReason } from "./engine-error.js";
import { engineSearch } from "./engine-search.js";
import type { CanExec, Engine, Labels } from "./engine.js";
import { byLabel, hasLabels } from "./labels.js";
import { type EngineKind, kindOf } from "./podman.js";

/** As much as somebody has to know who wants to run a command in a container that runs. */
export interface FoundContainer {
  readonly id: string;
  readonly name: string;
  readonly running: boolean;
  /** The engine's own words: "Up 3 minutes". */
  readonly status: string;
  readonly labels: Labels;
}

/**
 * The two calls that a command in the guest costs, over node:http alone. Loading dockerode and the schemas for its
 * answers takes longer than both calls together.
 */
export interface QuickEngine {
  /** Running or not, newest first. */
  findContainers(labels: Labels): Promise<FoundContainer[]>;
  container(id: string): CanExec;
}

/** `whole` is for what this one cannot reach: engines behind ssh or TLS, and the error that says where it looked. */
export async function connectQuickly(
  options: ConnectOptions,
  whole: () => Promise<Engine>,
): Promise<QuickEngine> {
  for (const { endpoint } of engineSearch(options.env, options.home, readIfThere).candidates) {
    const address = addressOf(endpoint);
    if (address === undefined) break;
    const kind = await answeringKind(address);
    if (kind !== undefined) return new HttpEngine(address, kind);
  }
  return viaWhole(await whole());
}

type Address = Pick<ClientRequestArgs, "socketPath" | "host" | "port">;

function addressOf(endpoint: Endpoint): Address | undefined {
  if (endpoint.kind === "unix") return { socketPath: endpoint.path };
  const isPlain = endpoint.kind === "tcp" && endpoint.tls === undefined;
  return isPlain ? { host: endpoint.host, port: endpoint.port } : undefined;
}

const PING_TIMEOUT_MS = 10_000;

/** undefined when none answers. */
async function answeringKind(address: Address): Promise<EngineKind | undefined> {
  try {
    const signal = AbortSignal.timeout(PING_TIMEOUT_MS);
    const answer = await send(address, { method: "GET", path: "/_ping", signal });
    answer.resume();
    return answer.statusCode === 200 ? kindOf(answer) : undefined;
  } catch (error) {
    // Whatever it is, the whole client meets it again, and explains it.
    if (unreachableReason(error) !== undefined || error instanceof Error) return undefined;
    throw error;
  }
}

function viaWhole(engine: Engine): QuickEngine {
  return {
    findContainers: (labels) => engine.listContainers(labels),
    container: (id) => engine.container(id),
  };
}

class HttpEngine implements QuickEngine {
  readonly #address: Address;
  readonly #kind: EngineKind;

  constructor(address: Address, kind: EngineKind) {
    this.#address = address;
    this.#kind = kind;
  }

  async findContainers(labels: Labels): Promise<FoundContainer[]> {
    const filters = JSON.stringify(byLabel(labels));
    const query = new URLSearchParams({ all: "1", filters });
    const path = `/containers/json?${query.toString()}`;
    const found = await this.#json("list containers", { method: "GET", path });
    return (found as ListedContainer[])
      .map(({ Id, Names, State, Status, Labels }) => ({
        id: Id,
        name: Names[0]?.replace(/^\//, "") ?? "",
        running: State === "running",
        status: Status,
        labels: Labels ?? {},
      }))
      .filter(hasLabels(labels));
  }

  container(id: string): CanExec {
    return {
      exec: async (command, { tty, signal, user }) => {
        const streams = { AttachStdin: true, AttachStdout: true, AttachStderr: true };
        const created = await this.#json(`run ${command[0] ?? "nothing"} in the container`, {
          method: "POST",
          path: `/containers/${id}/exec`,
          body: {
            Cmd: command,
            Tty: tty,
            ...streams,
            ...(user === undefined ? {} : { User: user }),
          },
          signal,
        });
        const path = `/exec/${(created as { Id: string }).Id}/start`;
        const connection = await this.#handedOver(path, { Detach: false, Tty: tty }, signal);
        const endInputFirst = this.#kind === "podman";
        const stream = new ContainerStream(connection, {
          tty,
          stderr: "apart",
          signal,
          endInputFirst,
        });
        return { stream, stderr: stream.stderr };
      },
    };
  }

  async #json(action: string, asked: Asked): Promise<unknown> {
    return await engineCall(
      action,
      async () => {
        const answer = await send(this.#address, asked);
        const text = await wholeText(answer);
        if ((answer.statusCode ?? 500) < 300) return JSON.parse(text) as unknown;
        throw refusal(action, text);
      },
      asked.signal,
    );
  }

  /** The connection itself, once the engine has given it to the command. */
  async #handedOver(path: string, body: object, signal: AbortSignal): Promise<Duplex> {
    const action = "talk to a command in the container";
    return await engineCall(
      action,
      () =>
        new Promise<Duplex>((resolve, reject) => {
          const headers = { connection: "Upgrade", upgrade: "tcp" };
          const outgoing = begin(this.#address, { method: "POST", path, body, signal, headers });
          outgoing.once("error", reject);
          outgoing.once("upgrade", (_answer, socket, head) => {
            if (head.length > 0) socket.unshift(head);
            resolve(socket);
          });
          outgoing.once("response", (answer: IncomingMessage) => {
            wholeText(answer).then((text) => {
              reject(refusal(action, text));
            }, reject);
          });
        }),
      signal,
    );
  }
}

interface ListedContainer {
  readonly Id: string;
  readonly Names: readonly string[];
  readonly State: string;
  readonly Status: string;
  readonly Labels: Labels | null;
}

interface Asked {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

function send(address: Address, asked: Asked): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    begin(address, asked).once("response", resolve).once("error", reject);
  });
}

function begin(address: Address, { method, path, body, headers, signal }: Asked) {
  const text = body === undefined ? "" : JSON.stringify(body);
  const type = body === undefined ? {} : { "content-type": "application/json" };
  const outgoing = request({
    ...address,
    ...{ method, path },
    headers: { ...headers, ...type, "content-length": Buffer.byteLength(text) },
    ...(signal === undefined ? {} : { signal }),
  });
  outgoing.end(text);
  return outgoing;
}

/** The engine's own words, which it sends as JSON. */
function refusal(action: string, text: string): KdockError {
  const said = /"message"\s*:\s*("(?:[^"\\]|\\.)*")/.exec(text)?.[1];
  const words = said === undefined ? text.trim() : (JSON.parse(said) as string);
  return new KdockError("engine", `cannot ${action}: ${words}`);
}
