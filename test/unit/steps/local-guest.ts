import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { constants } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import type { GuestExec } from "../../../src/guest/frames.js";
import type { GuestCommand, GuestExit, GuestSession } from "../../../src/guest/session.js";

/** A guest that is this machine. Its programs may be replaced: `fake` writes a shell script that comes first on its PATH. */
export class LocalGuest implements GuestSession {
  readonly hello = { version: 2, uptimeMs: 0, release: "6.12.0" };
  readonly closed = new Promise<void>(() => undefined);
  readonly #programs: string;

  constructor(programs: string) {
    this.#programs = programs;
  }

  async fake(program: string, script: string): Promise<void> {
    await mkdir(this.#programs, { recursive: true });
    const path = join(this.#programs, program);
    await writeFile(path, `#!/bin/sh\n${script}\n`);
    await chmod(path, 0o755);
  }

  exec({ argv: [program, ...args], env, cwd }: GuestExec): GuestCommand {
    const child = spawn(program, args, {
      cwd,
      env: { ...process.env, PATH: `${this.#programs}:${process.env["PATH"]}`, ...env },
      detached: true,
    });
    // One that ends before it has read everything closes its stdin without an error.
    child.stdin.on("error", () => undefined);
    const stdin = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        child.stdin.write(chunk, () => {
          done();
        });
      },
      final: (done) => {
        child.stdin.end(done);
      },
    });
    const exit = once(child, "close").then((ended): GuestExit => {
      const [code, signal] = ended as [number | null, NodeJS.Signals | null];
      stdin.destroy();
      return signal === null
        ? { kind: "exited", code: code ?? 0, error: undefined }
        : { kind: "signalled", signal: constants.signals[signal] };
    });
    return {
      ...{ stdin, stdout: child.stdout, stderr: child.stderr, exit },
      signal: (number) => {
        if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, number);
      },
      resize: () => undefined,
    };
  }

  resizeConsole(): void {
    throw new Error("it has no console");
  }

  powerOff(): void {
    throw new Error("it stays on");
  }

  close(): void {
    // There is no connection.
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.resolve();
  }
}
