import { dapMessages, encodeDap, type DapMessage } from "../../src/debug/dap/frames.js";
import { start } from "./kdock.js";

interface Message {
  readonly type: string;
  readonly event?: string;
  readonly request_seq?: number;
  readonly success?: boolean;
  readonly message?: string;
  readonly body?: Record<string, unknown>;
}

/** An editor, as far as the protocol goes: everything that comes is kept, so that nobody misses an event. */
export interface DapClient {
  /** Resolves with the response's body; rejects when it says no. */
  request(command: string, args?: DapMessage): Promise<Record<string, unknown>>;
  /** The next event of this name that nobody has waited for yet. */
  event(name: string): Promise<Record<string, unknown>>;
  /** Hangs up, and resolves with the exit code. */
  end(): Promise<number | undefined>;
}

const LIMIT_MS = 60_000;

export function dapClient(cwd: string): DapClient {
  const adapter = start(["dap"], { cwd, pipe: true });
  const seen: Message[] = [];
  const waiting = new Set<() => void>();
  let last = 0;
  void (async () => {
    for await (const message of dapMessages(adapter.stdout as AsyncIterable<Uint8Array>)) {
      seen.push(message as unknown as Message);
      for (const wake of waiting) wake();
    }
  })();
  const next = (fits: (message: Message) => boolean, what: string): Promise<Message> =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new Error(`no ${what} in ${LIMIT_MS} ms: ${JSON.stringify(seen).slice(-500)}`));
      }, LIMIT_MS);
      const look = () => {
        const at = seen.findIndex(fits);
        const [found] = at < 0 ? [] : seen.splice(at, 1);
        if (found === undefined) return;
        clearTimeout(timer);
        waiting.delete(look);
        resolve(found);
      };
      waiting.add(look);
      look();
    });
  return {
    async request(command, args = {}) {
      const seq = (last += 1);
      adapter.stdin.write(encodeDap({ seq, type: "request", command, arguments: args }));
      const { success, message, body } = await next((m) => m.request_seq === seq, command);
      if (success !== true) throw new Error(`${command}: ${message ?? "no"}`);
      return body ?? {};
    },
    async event(name) {
      return (await next((m) => m.event === name, `event ${name}`)).body ?? {};
    },
    async end() {
      adapter.stdin.end();
      return (await adapter).exitCode;
    },
  };
}
