import { Readable } from "node:stream";

export interface RunningProgram {
  readonly stdout: Readable;
  kill(): boolean;
}

/**
 * What a program writes to stdout. Fails with what `ended` resolves to, unless that is undefined; the stream's end means
 * that the program has ended well. Destroying it ends the program, and it closes when the program is gone.
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
    // The program may have closed stdout and go on.
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
    // Nobody reads it any more, and a full pipe would keep the program from ending.
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
