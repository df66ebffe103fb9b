import type { Duplex } from "node:stream";

import {
  encodeFrame,
  FrameDecoder,
  GUEST_FRAME,
  HOST_FRAME,
} from "../../../../src/vm/agent/frames.js";
import type { Frame } from "../../../../src/vm/agent/frames.js";

export function helloFrame(
  nonce: number,
  { version = 2, uptimeMs = 1234 }: { version?: number; uptimeMs?: number } = {},
): Buffer {
  const numbers = Buffer.alloc(12);
  numbers.writeUInt32LE(version, 0);
  numbers.writeUInt32LE(nonce, 4);
  numbers.writeUInt32LE(uptimeMs, 8);
  return encodeFrame(GUEST_FRAME.hello, 0, Buffer.concat([numbers, Buffer.from("6.12.0")]));
}

export interface ReceivedExec {
  readonly id: number;
  readonly tty: boolean;
  readonly strings: readonly string[];
}

/** The guest's end of the wire: answers hello, keeps what it was told, and says what the test makes it say. */
export class FakeAgent {
  readonly received: Frame[] = [];
  readonly #wire: Duplex;
  readonly #answersHello: boolean;
  #onFrame: (() => void) | undefined;

  constructor(wire: Duplex, { answersHello = true }: { answersHello?: boolean } = {}) {
    this.#wire = wire;
    this.#answersHello = answersHello;
    wire.on("error", () => {
      // a host that leaves in the middle is what some tests are about
    });
    const decoder = new FrameDecoder();
    wire.on("data", (chunk: Buffer) => {
      for (const frame of decoder.push(chunk)) this.#receive(frame);
    });
  }

  send(type: number, id: number, payload: Uint8Array | string = ""): void {
    this.sendBytes(encodeFrame(type, id, Buffer.from(payload)));
  }

  sendBytes(bytes: Uint8Array): void {
    this.#wire.write(bytes);
  }

  exit(id: number, code: number): void {
    this.send(GUEST_FRAME.exit, id, Buffer.of(0, code));
  }

  acknowledge(id: number, bytes: number): void {
    const payload = Buffer.alloc(4);
    payload.writeUInt32LE(bytes);
    this.send(GUEST_FRAME.stdinAck, id, payload);
  }

  hangUp(): void {
    this.#wire.end();
  }

  /** The nth frame of a type, waited for. */
  async frame(type: number, index = 0): Promise<Frame> {
    for (;;) {
      const frame = this.received.filter((each) => each.type === type)[index];
      if (frame !== undefined) return frame;
      await new Promise<void>((resolve) => {
        this.#onFrame = resolve;
      });
    }
  }

  async exec(index = 0): Promise<ReceivedExec> {
    const { id, payload } = await this.frame(HOST_FRAME.exec, index);
    const strings = payload.toString("utf8", 9).split("\0").slice(0, -1);
    return { id, tty: payload.readUInt8(0) === 1, strings };
  }

  stdinBytes(id: number): Buffer {
    const frames = this.received.filter((each) => each.type === HOST_FRAME.stdin && each.id === id);
    return Buffer.concat(frames.map((each) => each.payload));
  }

  #receive(frame: Frame): void {
    this.received.push(frame);
    if (frame.type === HOST_FRAME.hello && this.#answersHello) {
      this.sendBytes(helloFrame(frame.payload.readUInt32LE(4)));
    }
    this.#onFrame?.();
  }
}
