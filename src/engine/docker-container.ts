import type { Readable } from "node:stream";
import type Docker from "dockerode";
import { KdockError } from "../core/errors.js";
import { type Call, textOf } from "./client.js";
import { ContainerStream } from "./container-stream.js";
import { startExec } from "./docker-exec.js";
import { engineCall, isStatus } from "./engine-error.js";
import { ContainerStdio, containerState, ExitStatus } from "./engine-json.js";
import type { AttachedStream, Container, ContainerState, Exec } from "./engine.js";
import type { FoundEngine } from "./find-engine.js";
import { mergedOutput } from "./frames.js";
import { relay } from "./relay.js";

/** Called with what could not be cleaned up, and why. */
export type OnLeak = (what: string, error: unknown) => void;

/** Killing a big virtual machine and deleting its layer on a slow disk takes seconds, not a minute. */
const CLEANUP_TIMEOUT_MS = 60_000;

export class DockerContainer implements Container {
  readonly id: string;
  readonly #engine: FoundEngine;
  readonly #container: Docker.Container;
  readonly #onLeak: OnLeak;
  readonly #isPodman: boolean;
  /** Ends every connection this handle has open: an unanswered `wait` would keep the process alive. */
  readonly #closing = new AbortController();
  #isDisposed = false;

  constructor(engine: FoundEngine, container: Docker.Container, onLeak: OnLeak) {
    this.id = container.id;
    this.#isPodman = engine.kind === "podman";
    this.#engine = engine;
    this.#container = container;
    this.#onLeak = onLeak;
  }

  async start(): Promise<void> {
    await this.#call("start", () => this.#container.start(), 304);
  }

  wait(signal: AbortSignal): Promise<number> {
    const exitCode = this.#wait(this.#until(signal));
    // Whoever gives up before awaiting it must not be killed by its rejection.
    exitCode.catch(() => undefined);
    return exitCode;
  }

  async attach(stderr: "merged" | "apart" = "merged"): Promise<AttachedStream> {
    return await engineCall("attach to the container", async () => {
      const { tty, openStdin } = ContainerStdio.parse(await this.#container.inspect());
      const signal = this.#closing.signal;
      // Without a body, which Podman takes for the container's first input.
      const connection = await this.#engine.client.upgrade({
        method: "POST",
        path: `/containers/${this.id}/attach`,
        query: { stream: true, stdin: openStdin, stdout: true, stderr: true },
        signal,
      });
      return new ContainerStream(connection, {
        tty,
        stderr,
        signal,
        endInputFirst: this.#isPodman,
      });
    });
  }

  async logs(options: { follow: boolean; tail?: number; signal: AbortSignal }): Promise<Readable> {
    const signal = this.#until(options.signal);
    const action = "read the container's log";
    const { follow, tail = "all" } = options;
    return await engineCall(
      action,
      async () => {
        const { tty } = ContainerStdio.parse(
          await this.#container.inspect({ abortSignal: signal }),
        );
        const body = await this.#open({
          ...{ method: "GET", what: "logs" },
          // Podman's tail joins a line that came in pieces to the line before it.
          query: { stdout: true, stderr: true, follow, tail: this.#isPodman ? "all" : tail },
          signal,
        });
        return relay(mergedOutput(body, tty), action, signal);
      },
      signal,
    );
  }

  async exec(
    command: readonly string[],
    options: { tty: boolean; signal: AbortSignal; user?: string },
  ): Promise<Exec> {
    const signal = this.#until(options.signal);
    return await startExec(this.#engine, this.id, { ...options, command, signal });
  }

  async putArchive(path: string, archive: Readable): Promise<void> {
    const signal = this.#closing.signal;
    await engineCall(
      `copy into ${path} of the container`,
      async () =>
        textOf(
          await this.#open({
            method: "PUT",
            what: "archive",
            query: { path },
            body: archive,
            signal,
          }),
        ),
      signal,
    );
  }

  async getArchive(path: string, signal: AbortSignal): Promise<Readable> {
    const action = `copy ${path} out of the container`;
    const until = this.#until(signal);
    return await engineCall(
      action,
      async () => {
        const query = { path };
        const body = await this.#open({ method: "GET", what: "archive", query, signal: until });
        return relay(body, action, until);
      },
      until,
    );
  }

  async resize(size: { rows: number; columns: number }): Promise<void> {
    await this.#call("resize", () => this.#container.resize({ h: size.rows, w: size.columns }));
  }

  async inspect(): Promise<ContainerState> {
    return await this.#inspect();
  }

  async stop(timeoutSeconds: number): Promise<void> {
    await this.#call("stop", () => this.#container.stop({ t: timeoutSeconds }), 304);
  }

  async kill(): Promise<void> {
    try {
      // 409: it has ended already.
      await this.#call("kill", () => this.#container.kill(), 409);
    } catch (error) {
      // Podman 4.3 says 500.
      if (!isStatus(error, 500) || !(await this.#inspect()).ended) throw error;
    }
  }

  async remove(): Promise<void> {
    try {
      await this.#call("remove", () => this.#container.remove({ force: true, v: true }), 404);
    } catch (error) {
      if (!isStatus(error, 409)) throw error;
      // Somebody else is removing it: a terminal that was attached, as a rule.
      await this.#gone();
    }
    this.#close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isDisposed = true;
    // Our own clock: the caller's signal may be the very reason we are cleaning up.
    const abortSignal = AbortSignal.timeout(CLEANUP_TIMEOUT_MS);
    try {
      await this.#container.remove({ force: true, v: true, abortSignal });
    } catch (error) {
      // 404: gone; 409: somebody else is removing it. A throw would hide the failure that brought us here.
      if (!isStatus(error, 404) && !isStatus(error, 409))
        this.#onLeak(`container ${this.id}`, error);
    } finally {
      this.#close();
    }
  }

  async #wait(signal: AbortSignal): Promise<number> {
    return await engineCall(
      "wait for the container",
      async () => {
        // "not-running" would be true of a container that has not been started yet.
        const query = { condition: "next-exit" };
        const body = await this.#open({ method: "POST", what: "wait", query, signal });
        // The engine is listening for the exit by now; it may have been before.
        const state = await this.#inspect();
        if (state.ended) {
          body.destroy();
          return state.exitCode;
        }
        const { StatusCode } = ExitStatus.parse(JSON.parse(await textOf(body)));
        // The engine may answer 0 when a container is removed that was never started.
        if (this.#isDisposed) throw removed();
        return StatusCode;
      },
      signal,
    );
  }

  #open({ what, ...call }: Omit<Call, "path"> & { readonly what: string }) {
    return this.#engine.client.open({ ...call, path: `/containers/${this.id}/${what}` });
  }

  async #gone(): Promise<void> {
    const abortSignal = AbortSignal.timeout(CLEANUP_TIMEOUT_MS);
    const options = { condition: "removed", abortSignal } as const;
    await this.#call("await the end of", () => this.#container.wait(options), 404);
  }

  async #inspect() {
    return await engineCall("inspect the container", async () =>
      containerState(await this.#container.inspect()),
    );
  }

  /** `harmless`: a status that means the wish was fulfilled already. */
  async #call(verb: string, call: () => Promise<unknown>, harmless?: number): Promise<void> {
    try {
      await engineCall(`${verb} the container`, call);
    } catch (error) {
      if (harmless === undefined || !isStatus(error, harmless)) throw error;
    }
  }

  #until(signal: AbortSignal): AbortSignal {
    return AbortSignal.any([signal, this.#closing.signal]);
  }

  #close(): void {
    this.#closing.abort(removed());
  }
}

function removed(): KdockError {
  return new KdockError("engine", "the container was removed");
}
