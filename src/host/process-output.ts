import { Readable } from "node:stream";

export interface RunningProgram {
  readonly stdout: Readable;
  kill(): boolean;
}

/**
 * A program's stdout. Fails with the error that `ended` resolves to; ends only after the program has succeeded. Destroying it ends
 * the program, and it closes when the program has ended.
 */
export class ProcessOutput extends Readable {
  readonly #program: RunningProgram;
  readonly #ended: Promise<Error | undefined>;

  constructor(program: RunningProgram, ended: Promise<Error | undefined>) {
    super();
    this.#program = program;
    this.#ended = ended;
    program.stdout.on("data", (chunk: Buffer) => {
      if (!this.push(chunk)) program.stdout.pause();
    });
    // The program may run on after closing stdout.
    void ended.then((error) => {
      if (error === undefined) this.#finish();
      else this.destroy(error);
    });
  }

  override _read(): void {
    this.#program.stdout.resume();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#program.kill();
    // A full pipe without a reader would keep the program from ending.
    this.#program.stdout.destroy();
    void this.#ended.then(() => {
      done(error);
    });
  }

  #finish(): void {
    const { stdout } = this.#program;
    if (stdout.readableEnded) this.push(null);
    else stdout.once("end", () => this.push(null));
  }
}
