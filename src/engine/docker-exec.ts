import { setTimeout as sleep } from "node:timers/promises";
import type Docker from "dockerode";
import { KdockError } from "../core/errors.js";
import { ContainerStream } from "./container-stream.js";
import { engineCall } from "./engine-error.js";
import { ExecState } from "./engine-json.js";
import type { Exec } from "./engine.js";
import { asConnection } from "./node-stream.js";

/** For how long after the output's end the engine may call a command running that has ended. */
const EXIT_CODE_TIMEOUT_MS = 5_000;
const EXIT_CODE_INTERVAL_MS = 20;

export interface ExecOptions {
  readonly command: readonly string[];
  readonly tty: boolean;
  readonly user: string | undefined;
  readonly signal: AbortSignal;
  /** As `StreamShape` has it. */
  readonly endInputFirst: boolean;
}

/** Runs a command in a container. Aborting gives up the connection; the engine has no call that ends the command. */
export async function startExec(container: Docker.Container, options: ExecOptions): Promise<Exec> {
  const { command, tty, user, signal, endInputFirst } = options;
  const action = `run ${command[0] ?? "nothing"} in the container`;
  return await engineCall(
    action,
    async () => {
      const exec = await container.exec({
        Cmd: [...command],
        Tty: tty,
        AttachStdin: true,
        AttachStdout: true,
        AttachStderr: true,
        ...(user === undefined ? {} : { User: user }),
        abortSignal: signal,
      });
      const connection = await exec.start({
        hijack: true,
        stdin: true,
        Tty: tty,
        abortSignal: signal,
      });
      const stream = new ContainerStream(asConnection(connection), {
        tty,
        stderr: "apart",
        signal,
        endInputFirst,
      });
      return {
        stream,
        stderr: stream.stderr,
        exitCode: async () => {
          await stream.drained;
          return await engineCall(action, () => exitCode(exec, signal), signal);
        },
      };
    },
    signal,
  );
}

async function exitCode(exec: Docker.Exec, signal: AbortSignal): Promise<number> {
  for (let waited = 0; waited < EXIT_CODE_TIMEOUT_MS; waited += EXIT_CODE_INTERVAL_MS) {
    const state = ExecState.parse(await exec.inspect({ abortSignal: signal }));
    if (!state.Running && typeof state.ExitCode === "number") return state.ExitCode;
    await sleep(EXIT_CODE_INTERVAL_MS, undefined, { signal });
  }
  throw new KdockError("engine", "the connection to a command ended before the command did");
}
