import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { constants } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import type { GuestExec } from "../../../src/vm/agent/frames.js";
import type { GuestCommand, GuestExit } from "../../../src/vm/agent/command.js";
import type { GuestSession } from "../../../src/vm/agent/session.js";

/** A guest that is this machine, except for programs that are replaced, and for what it has mounted. */
export class LocalGuest implements GuestSession {
  readonly hello = { version: 2, uptimeMs: 0, release: "6.12.0" };
  readonly closed = new Promise<void>(() => undefined);
  readonly #programs: string;
  #mounts = "/proc/mounts";

  /** `programs` is a folder that need not be there. */
  constructor(programs: string) {
    this.#programs = programs;
  }

  /** Has kdock's scripts find these mounts, by their path, with these types of file systems. */
  async mount(types: Readonly<Record<string, string>>): Promise<void> {
    const lines = Object.entries(types).map(([path, type]) => `none ${path} ${type} rw 0 0\n`);
    await mkdir(this.#programs, { recursive: true });
    this.#mounts = join(this.#programs, "mounts");
    await writeFile(this.#mounts, lines.join(""));
  }

  /** Has a shell script run in a program's place. */
  async fake(program: string, script: string): Promise<void> {
    await mkdir(this.#programs, { recursive: true });
    const path = join(this.#programs, program);
    await writeFile(path, `#!/bin/sh\n${script}\n`);
    await chmod(path, 0o755);
  }

  exec({ argv: [program, ...args], env, cwd }: GuestExec): GuestCommand {
    const child = spawn(program, this.#withMounts(args), {
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

  #withMounts(args: readonly string[]): string[] {
    return args.map((arg) => arg.replaceAll("/proc/mounts", this.#mounts));
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
