import { randomBytes } from "node:crypto";
import { MarkedStream } from "../../archive/marked-stream.js";
import type { TreeWriter } from "../../host/host.js";
import type { GuestSession } from "../../vm/agent/session.js";
import type { Tell } from "./copy-progress.js";
import { GIVE_GENERATED } from "./copy-scripts.js";
import { watchSilence } from "./copy-silence.js";
import { GeneratedReader, type ReceivedTree } from "./generated-reader.js";
import { startScript } from "./guest-script.js";

/** More than there are calls of a shell in one copy. */
const TOKENS = 2000;

/** Receives a folder whose files are as long as what is read of them; see `GIVE_GENERATED`. */
export async function receiveGenerated(
  session: GuestSession,
  from: string,
  tree: TreeWriter,
  tell: Tell,
): Promise<ReceivedTree> {
  const token = randomBytes(16).toString("hex");
  const { command, done } = startScript(session, GIVE_GENERATED, from);
  command.stdin.end(`${token}\n`.repeat(TOKENS));
  let passed = 0;
  async function* heard(): AsyncGenerator<Buffer> {
    for await (const chunk of command.stdout as AsyncIterable<Buffer>) {
      tell((passed += chunk.length), undefined);
      yield chunk;
    }
  }
  const reader = new GeneratedReader({ session, from, tree, token }, new MarkedStream(heard()));
  const watch = new AbortController();
  const watching = watchSilence(
    session,
    () => passed,
    watch.signal,
    () => reader.endSilentFile(),
  );
  try {
    const received = await Promise.race([reader.receive(), watching.then(never)]);
    await done;
    return received;
  } catch (error) {
    // A script that gave up has cut this short, and its own words say more.
    if (command.stdout.readableEnded) await done;
    command.signal(SIGKILL);
    // Unread output would hold up the session, and with it the answer that the watch may wait for.
    command.stdout.destroy();
    throw error;
  } finally {
    watch.abort();
    command.stdout.resume();
    await watching.catch(() => undefined);
  }
}

const SIGKILL = 9;

function never(): Promise<never> {
  return new Promise(() => undefined);
}
