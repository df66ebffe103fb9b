import { setTimeout as sleep } from "node:timers/promises";
import { KdockError } from "../core/errors.js";
import { ContainerStream } from "./container-stream.js";
import { engineCall } from "./engine-error.js";
import type { CanExec, Exec } from "./engine.js";
import type { FoundEngine } from "./find-engine.js";

/** For how long after the output's end the engine may call a command running that has ended. */
const EXIT_CODE_TIMEOUT_MS = 5_000;
const EXIT_CODE_INTERVAL_MS = 20;

type ExecOptions = Parameters<CanExec["exec"]>[1] & { readonly command: readonly string[] };

/** Runs a command in a container. Aborting gives up the connection; the engine has no call that ends the command. */
export async function startExec(
  engine: FoundEngine,
  container: string,
  { command, tty, user, signal }: ExecOptions,
): Promise<Exec> {
  const { client, kind } = engine;
  const action = `run ${command[0] ?? "nothing"} in the container`;
  return await engineCall(
    action,
    async () => {
      const created = await client.call({
        method: "POST",
        path: `/containers/${container}/exec`,
        json: {
          ...{ Cmd: command, Tty: tty, User: user },
          ...{ AttachStdin: true, AttachStdout: true, AttachStderr: true },
        },
        signal,
      });
      const { Id: id } = created as { Id: string };
      const connection = await client.upgrade({
        method: "POST",
        path: `/exec/${id}/start`,
        json: { Detach: false, Tty: tty },
        signal,
      });
      const endInputFirst = kind === "podman";
      const stream = new ContainerStream(connection, {
        ...{ tty, stderr: "apart", signal, endInputFirst },
      });
      return {
        stream,
        stderr: stream.stderr,
        exitCode: async () => {
          await stream.drained;
          return await engineCall(action, () => exitCode(engine, id, signal), signal);
        },
      };
    },
    signal,
  );
}

async function exitCode({ client }: FoundEngine, id: string, signal: AbortSignal): Promise<number> {
  // With zod, which takes longer to load than a command to start.
  const { ExecState } = await import("./engine-json.js");
  for (let waited = 0; waited < EXIT_CODE_TIMEOUT_MS; waited += EXIT_CODE_INTERVAL_MS) {
    const answer = await client.call({ method: "GET", path: `/exec/${id}/json`, signal });
    const state = ExecState.parse(answer);
    if (!state.Running && typeof state.ExitCode === "number") return state.ExitCode;
    await sleep(EXIT_CODE_INTERVAL_MS, undefined, { signal });
  }
  throw new KdockError("engine", "the connection to a command ended before the command did");
}
