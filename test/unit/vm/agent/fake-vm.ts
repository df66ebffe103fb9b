import { duplexPair, PassThrough } from "node:stream";
import type { Duplex } from "node:stream";
import { setImmediate as turn } from "node:timers/promises";
import type { CanExec } from "../../../../src/engine/engine.js";
import { FakeAgent } from "./fake-agent.js";

/** A VM's container whose agent is the test's: every connection that is made to it has one of its own. */
export class FakeVm implements CanExec {
  readonly agents: FakeAgent[] = [];
  readonly connections: Duplex[] = [];
  readonly commands: (readonly string[])[] = [];
  readonly #answersHello: boolean;

  constructor({ answersHello = true }: { answersHello?: boolean } = {}) {
    this.#answersHello = answersHello;
  }

  exec: CanExec["exec"] = (command, { signal }) => {
    if (signal.aborted) return Promise.reject(signal.reason as Error);
    const [host, guest] = duplexPair();
    this.commands.push(command);
    this.connections.push(host);
    this.agents.push(new FakeAgent(guest, { answersHello: this.#answersHello }));
    return Promise.resolve({ stream: host, stderr: new PassThrough().end() });
  };

  /** Of the first connection, which need not be there yet. */
  async agent(): Promise<FakeAgent> {
    for (;;) {
      const [agent] = this.agents;
      if (agent !== undefined) return agent;
      await turn();
    }
  }
}
