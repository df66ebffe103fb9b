import { setTimeout as sleep } from "node:timers/promises";
import { run } from "./kdock.js";

/** A terminal as a person has it, by tmux. */
export interface Screen {
  /** A shell in a folder. */
  readonly open: (folder: string, env?: Readonly<Record<string, string>>) => Promise<void>;
  /** Keys as tmux names them: "C-c", "Enter", or text. */
  readonly type: (...keys: string[]) => Promise<string>;
  /** Resolves with the screen once it shows this. */
  readonly shows: (what: RegExp, seconds?: number) => Promise<string>;
  readonly resize: (columns: number, rows: number) => Promise<unknown>;
  readonly close: () => Promise<void>;
}

export function screen(name: string): Screen {
  let session = "";
  let opened = 0;
  const tmux = (...args: string[]) => run("tmux", "-L", session, ...args);
  const text = () => tmux("capture-pane", "-p", "-J", "-t", session, "-S", "-200");
  return {
    async open(folder, env = {}) {
      // A server that was told to end listens for a while: the next one has another name.
      session = `kdock-test-${name}-${process.pid}-${(opened += 1)}`;
      const size = ["-x", "120", "-y", "40"];
      const given = Object.entries(env).flatMap(([key, value]) => ["-e", `${key}=${value}`]);
      const shell = ["-c", folder, ...given, "bash --norc"];
      await tmux("new-session", "-d", "-s", session, ...size, ...shell);
    },
    resize: (columns, rows) => tmux("resize-window", "-x", `${columns}`, "-y", `${rows}`),
    type: (...keys) => tmux("send-keys", "-t", session, ...keys),
    async shows(what, seconds = 60) {
      const until = Date.now() + seconds * 1000;
      for (;;) {
        const seen = await text();
        if (what.test(seen)) return seen;
        if (Date.now() > until) throw new Error(`not on the screen: ${what.source}\n${seen}`);
        await sleep(100);
      }
    },
    async close() {
      await tmux("kill-server").catch(() => undefined);
    },
  };
}
