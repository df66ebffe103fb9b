/** What kdock wants to know of a `moby.buildkit.v1.StatusResponse`. */
export interface BuildTrace {
  readonly vertexes: readonly Vertex[];
  readonly logs: readonly VertexLog[];
}

/** A build step; the engine repeats it whenever something about it changes. */
export interface Vertex {
  readonly digest: string;
  /** "[2/5] RUN make" */
  readonly name: string;
  readonly cached: boolean;
  readonly started: boolean;
  readonly completed: boolean;
  /** "" while nothing has failed. */
  readonly error: string;
}

/** A piece of a step's output: neither whole lines nor whole UTF-8 characters. */
export interface VertexLog {
  readonly vertex: string;
  readonly message: Uint8Array;
}

/**
 * Decodes the record `moby.buildkit.trace`, protobuf in base64. dockerode's decoder is private and gives up the link
 * between a log and its step. Field numbers: https://github.com/moby/buildkit/blob/master/api/services/control/control.proto
 */
export function decodeTrace(base64: string): BuildTrace {
  const vertexes: Vertex[] = [];
  const logs: VertexLog[] = [];
  for (const { number, bytes } of fields(Buffer.from(base64, "base64"))) {
    if (number === 1) vertexes.push(decodeVertex(bytes));
    if (number === 3) logs.push(decodeLog(bytes));
  }
  return { vertexes, logs };
}

function decodeVertex(message: Uint8Array): Vertex {
  const found = new Map([...fields(message)].map((field) => [field.number, field]));
  return {
    digest: text(found.get(1)?.bytes),
    name: text(found.get(3)?.bytes),
    cached: (found.get(4)?.varint ?? 0) !== 0,
    started: found.has(5),
    completed: found.has(6),
    error: text(found.get(7)?.bytes),
  };
}

function decodeLog(message: Uint8Array): VertexLog {
  const found = new Map([...fields(message)].map((field) => [field.number, field]));
  return { vertex: text(found.get(1)?.bytes), message: found.get(4)?.bytes ?? EMPTY };
}

interface Field {
  readonly number: number;
  readonly bytes: Uint8Array;
  readonly varint: number;
}

const EMPTY = new Uint8Array();

/** Protobuf's wire format: https://protobuf.dev/programming-guides/encoding/ */
function* fields(message: Uint8Array): Generator<Field> {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = message[at++];
      if (byte === undefined) throw new Error("truncated build trace");
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  };
  const take = (length: number): Uint8Array => {
    at += length;
    if (at > message.length) throw new Error("truncated build trace");
    return message.subarray(at - length, at);
  };

  while (at < message.length) {
    const tag = varint();
    const number = Math.floor(tag / 8);
    switch (tag % 8) {
      case 0:
        yield { number, bytes: EMPTY, varint: varint() };
        break;
      case 1:
        yield { number, bytes: take(8), varint: 0 };
        break;
      case 2:
        yield { number, bytes: take(varint()), varint: 0 };
        break;
      case 5:
        yield { number, bytes: take(4), varint: 0 };
        break;
      default:
        throw new Error(`unknown wire type ${tag % 8} in a build trace`);
    }
  }
}

function text(bytes: Uint8Array = EMPTY): string {
  return new TextDecoder().decode(bytes);
}
