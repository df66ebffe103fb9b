import type { DebugProtocol as Dap } from "@vscode/debugprotocol";
import { dapMessages, encodeDap } from "../../src/debug/dap/frames.js";
import { start } from "./kdock.js";

/** What the tests say to gdb, and what it answers. */
interface Requests {
  initialize: [Dap.InitializeRequestArguments, Dap.InitializeResponse];
  attach: [Dap.AttachRequestArguments & { readonly target: string }, Dap.AttachResponse];
  configurationDone: [Dap.ConfigurationDoneArguments, Dap.ConfigurationDoneResponse];
  disconnect: [Dap.DisconnectArguments, Dap.DisconnectResponse];
  setFunctionBreakpoints: [Dap.SetFunctionBreakpointsArguments, Dap.SetFunctionBreakpointsResponse];
  setBreakpoints: [Dap.SetBreakpointsArguments, Dap.SetBreakpointsResponse];
  continue: [Dap.ContinueArguments, Dap.ContinueResponse];
  next: [Dap.NextArguments, Dap.NextResponse];
  stackTrace: [Dap.StackTraceArguments, Dap.StackTraceResponse];
  scopes: [Dap.ScopesArguments, Dap.ScopesResponse];
  variables: [Dap.VariablesArguments, Dap.VariablesResponse];
  evaluate: [Dap.EvaluateArguments, Dap.EvaluateResponse];
}

interface Events {
  initialized: Dap.InitializedEvent;
  stopped: Dap.StoppedEvent;
}

type Message = Dap.Response | Dap.Event;

/** An editor, as far as the protocol goes: everything that comes is kept, so that nobody misses an event. */
export interface DapClient {
  /** Resolves with the response's body; rejects when it says no. */
  request<T extends keyof Requests>(
    command: T,
    args: Requests[T][0],
  ): Promise<Requests[T][1]["body"]>;
  /** The next event of this name that nobody has waited for yet. */
  event<T extends keyof Events>(name: T): Promise<Events[T]["body"]>;
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
      seen.push(message as Message);
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
    async request(command, args) {
      const seq = (last += 1);
      const request: Dap.Request = { seq, type: "request", command, arguments: args };
      adapter.stdin.write(encodeDap(request));
      const answer = await next((m) => "request_seq" in m && m.request_seq === seq, command);
      const response = answer as Dap.Response;
      if (!response.success) throw new Error(`${command}: ${response.message ?? "no"}`);
      return response.body as Requests[typeof command][1]["body"];
    },
    async event(name) {
      const event = await next((m) => "event" in m && m.event === name, `event ${name}`);
      return (event as Dap.Event).body as Events[typeof name]["body"];
    },
    async end() {
      adapter.stdin.end();
      return (await adapter).exitCode;
    },
  };
}
