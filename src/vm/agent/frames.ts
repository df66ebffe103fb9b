import { KdockError } from "../../core/errors.js";

/**
 * The frames that kdock and the guest's kdock-agent exchange (images/busybox/agent/kdock-agent.c is the other end). In
 * between is images/vm/guest-mux.pl, which gives every client a connection of its own and says how the guest is.
 * Header: type u8, flags u8 (0), id u16, payload length u32; little endian. `id` names a command of this connection.
 */
export interface Frame {
  readonly type: number;
  readonly id: number;
  readonly payload: Buffer;
}

export const PROTOCOL_VERSION = 2;
export const MAX_PAYLOAD = 65_536;
/** Bytes of stdin that may be on their way to one command without an acknowledgement. */
export const STDIN_WINDOW = 262_144;
/** Bytes of output that the agent sends of one command without an acknowledgement. */
export const OUT_WINDOW = 1_048_576;

export const HOST_FRAME = {
  hello: 1,
  exec: 2,
  stdin: 3,
  signal: 4,
  resize: 5,
  powerOff: 6,
  outAck: 9,
} as const;
export const GUEST_FRAME = {
  hello: 129,
  stdout: 130,
  stderr: 131,
  exit: 132,
  error: 133,
  stdinAck: 134,
  state: 135,
} as const;

const HEADER_BYTES = 8;
const EXEC_FIXED_BYTES = 9;
const HELLO_FIXED_BYTES = 12;
/** By this the agent finds the beginning of a connection, even behind half a frame of the one before. */
const HELLO_MAGIC = "kdock hello\n";

export interface TtySize {
  readonly rows: number;
  readonly columns: number;
}

export interface GuestExec {
  readonly argv: readonly [string, ...string[]];
  /** Beside these the guest has PATH and HOME. */
  readonly env: Readonly<Record<string, string>>;
  /** "" for the home folder. */
  readonly cwd: string;
  /** Runs the command on a terminal of this size: stderr comes with stdout then. */
  readonly tty?: TtySize;
}

export type HostFrame =
  /** The first words of a connection; the answer repeats the nonce. */
  | { readonly kind: "hello"; readonly nonce: number }
  | { readonly kind: "exec"; readonly id: number; readonly exec: GuestExec }
  /** No bytes mean the end of the input. */
  | { readonly kind: "stdin"; readonly id: number; readonly bytes: Uint8Array }
  /** To the command's process group. */
  | { readonly kind: "signal"; readonly id: number; readonly signal: number }
  /** Id 0 is the guest's console. */
  | { readonly kind: "resize"; readonly id: number; readonly size: TtySize }
  /** So many bytes of a command's output have been taken. */
  | { readonly kind: "outAck"; readonly id: number; readonly bytes: number }
  | { readonly kind: "powerOff" };

export type GuestFrame =
  | {
      readonly kind: "hello";
      readonly version: number;
      readonly nonce: number;
      readonly uptimeMs: number;
      readonly release: string;
    }
  | { readonly kind: "stdout"; readonly id: number; readonly bytes: Buffer }
  | { readonly kind: "stderr"; readonly id: number; readonly bytes: Buffer }
  | { readonly kind: "exited"; readonly id: number; readonly code: number }
  | { readonly kind: "signalled"; readonly id: number; readonly signal: number }
  /** Why a command could not be run; an "exited" with 126 or 127 follows. */
  | { readonly kind: "error"; readonly id: number; readonly text: string }
  | { readonly kind: "stdinAck"; readonly id: number; readonly bytes: number }
  /** How the machine is, in QEMU's words: "running", "paused", "debug"; at first, and whenever that changes. */
  | { readonly kind: "state"; readonly state: string };

export function encodeFrame(type: number, id: number, payload: Uint8Array): Buffer {
  if (payload.length > MAX_PAYLOAD) throw new RangeError(`a frame holds ${MAX_PAYLOAD} bytes`);
  const frame = Buffer.alloc(HEADER_BYTES + payload.length);
  frame.writeUInt8(type, 0);
  frame.writeUInt16LE(id, 2);
  frame.writeUInt32LE(payload.length, 4);
  frame.set(payload, HEADER_BYTES);
  return frame;
}

/** Throws a `usage` error for a command that no frame can hold. */
export function encodeHostFrame(frame: HostFrame): Buffer {
  switch (frame.kind) {
    case "hello":
      return encodeFrame(
        HOST_FRAME.hello,
        0,
        Buffer.concat([u32(PROTOCOL_VERSION), u32(frame.nonce), Buffer.from(HELLO_MAGIC)]),
      );
    case "exec":
      return encodeFrame(HOST_FRAME.exec, frame.id, execPayload(frame.exec));
    case "stdin":
      return encodeFrame(HOST_FRAME.stdin, frame.id, frame.bytes);
    case "signal":
      return encodeFrame(HOST_FRAME.signal, frame.id, Uint8Array.of(frame.signal));
    case "resize":
      return encodeFrame(HOST_FRAME.resize, frame.id, u16s(frame.size.rows, frame.size.columns));
    case "outAck":
      return encodeFrame(HOST_FRAME.outAck, frame.id, u32(frame.bytes));
    case "powerOff":
      return encodeFrame(HOST_FRAME.powerOff, 0, Buffer.alloc(0));
  }
}

/** Throws a `vm` error for what no agent of this protocol version says. */
export function parseGuestFrame({ type, id, payload }: Frame): GuestFrame {
  switch (type) {
    case GUEST_FRAME.hello:
      requireLength(payload, payload.length >= HELLO_FIXED_BYTES);
      return {
        kind: "hello",
        version: payload.readUInt32LE(0),
        nonce: payload.readUInt32LE(4),
        uptimeMs: payload.readUInt32LE(8),
        release: payload.toString("utf8", HELLO_FIXED_BYTES),
      };
    case GUEST_FRAME.stdout:
      return { kind: "stdout", id, bytes: payload };
    case GUEST_FRAME.stderr:
      return { kind: "stderr", id, bytes: payload };
    case GUEST_FRAME.exit: {
      requireLength(payload, payload.length === 2);
      const code = payload.readUInt8(1);
      return payload.readUInt8(0) === 0
        ? { kind: "exited", id, code }
        : { kind: "signalled", id, signal: code };
    }
    case GUEST_FRAME.error:
      return { kind: "error", id, text: payload.toString("utf8") };
    case GUEST_FRAME.stdinAck:
      requireLength(payload, payload.length === 4);
      return { kind: "stdinAck", id, bytes: payload.readUInt32LE(0) };
    case GUEST_FRAME.state:
      return { kind: "state", state: payload.toString("utf8") };
    default:
      throw malformed(`a frame of unknown type ${type}`);
  }
}

/** Cuts a byte stream into frames, however it arrives. */
export class FrameDecoder {
  #pending: Buffer[] = [];
  #pendingBytes = 0;

  /** The frames that `chunk` completes. Throws a `vm` error when the bytes cannot be frames. */
  push(chunk: Buffer): Frame[] {
    this.#pending.push(chunk);
    this.#pendingBytes += chunk.length;
    const frames: Frame[] = [];
    for (let frame = this.#next(); frame !== undefined; frame = this.#next()) frames.push(frame);
    return frames;
  }

  #next(): Frame | undefined {
    if (this.#pendingBytes < HEADER_BYTES) return undefined;
    const header = this.#peek(HEADER_BYTES);
    if (header.readUInt8(1) !== 0) throw malformed("a frame header with flags");
    const length = header.readUInt32LE(4);
    if (length > MAX_PAYLOAD) throw malformed(`a frame of ${length} bytes`);
    if (this.#pendingBytes < HEADER_BYTES + length) return undefined;

    const whole = this.#peek(HEADER_BYTES + length);
    this.#drop(whole.length);
    return {
      type: header.readUInt8(0),
      id: header.readUInt16LE(2),
      payload: whole.subarray(HEADER_BYTES),
    };
  }

  /** The first `count` bytes in one piece; joins chunks only where a frame spans them. */
  #peek(count: number): Buffer {
    const first = this.#pending[0] ?? Buffer.alloc(0);
    if (first.length >= count) return first.subarray(0, count);
    this.#pending = [Buffer.concat(this.#pending)];
    return (this.#pending[0] ?? first).subarray(0, count);
  }

  #drop(count: number): void {
    const [first, ...rest] = this.#pending;
    this.#pending =
      first === undefined || first.length === count ? rest : [first.subarray(count), ...rest];
    this.#pendingBytes -= count;
  }
}

function execPayload({ argv, env, cwd, tty }: GuestExec): Buffer {
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const strings = [...argv, ...variables, cwd];
  if (strings.some((text) => text.includes("\0"))) {
    throw new KdockError(
      "usage",
      "a command, its environment and its folder cannot hold NUL characters",
    );
  }
  const payload = Buffer.concat([
    Uint8Array.of(tty === undefined ? 0 : 1),
    u16s(tty?.rows ?? 0, tty?.columns ?? 0, argv.length, variables.length),
    Buffer.from(strings.map((text) => `${text}\0`).join(""), "utf8"),
  ]);
  if (payload.length > MAX_PAYLOAD) {
    throw new KdockError(
      "usage",
      `the command line is too long: with its environment it may have ${MAX_PAYLOAD - EXEC_FIXED_BYTES} bytes`,
      { hint: "Put the long part into a file or on the command's standard input." },
    );
  }
  return payload;
}

function u16s(...values: number[]): Buffer {
  const bytes = Buffer.alloc(2 * values.length);
  values.forEach((value, index) => bytes.writeUInt16LE(Math.min(value, 0xffff), 2 * index));
  return bytes;
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function requireLength(payload: Buffer, right: boolean): void {
  if (!right) throw malformed(`a payload of ${payload.length} bytes`);
}

function malformed(what: string): KdockError {
  return new KdockError("vm", `the guest's agent sent ${what}`, {
    hint: "Build busybox and the rootfs again with this version of kdock.",
  });
}
