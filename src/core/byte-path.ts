/**
 * Paths of Linux are bytes, mostly UTF-8. In a string, a byte that is not UTF-8 is the lone surrogate U+DC00 + byte, as with
 * Python's surrogateescape, so that the conversion is lossless.
 */
const LONE = /[\udc80-\udcff]/u;

export function pathOfBytes(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const text = buffer.toString("utf8");
  if (Buffer.from(text).equals(buffer)) return text;
  let path = "";
  for (let at = 0; at < buffer.length;) {
    const character = characterAt(buffer, at);
    path += character ?? String.fromCharCode(0xdc00 + (buffer[at] ?? 0));
    at += character === undefined ? 1 : Buffer.byteLength(character);
  }
  return path;
}

const MAX_CHARACTER_BYTES = 4;
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The character at that offset; undefined if there is none. */
function characterAt(buffer: Buffer, at: number): string | undefined {
  for (let length = 1; length <= MAX_CHARACTER_BYTES; length += 1) {
    try {
      return utf8.decode(buffer.subarray(at, at + length));
    } catch {
      // Not complete yet, or not UTF-8.
    }
  }
  return undefined;
}

export function bytesOfPath(path: string): Buffer {
  if (!LONE.test(path)) return Buffer.from(path);
  return Buffer.concat(
    Array.from(path, (character) =>
      LONE.test(character)
        ? Buffer.from([character.charCodeAt(0) - 0xdc00])
        : Buffer.from(character),
    ),
  );
}

/** The argument for node:fs: text if the path is UTF-8. */
export function fsPath(path: string): string | Buffer {
  return LONE.test(path) ? bytesOfPath(path) : path;
}

/** The path as printable text, for output and records: "./caf\xe9". Unique for each path; UTF-8 is unchanged. */
export function plainPath(path: string): string {
  if (!LONE.test(path)) return path;
  const plain = Array.from(path, (character) => {
    if (character === "\\") return "\\\\";
    if (!LONE.test(character)) return character;
    return `\\x${(character.charCodeAt(0) - 0xdc00).toString(16)}`;
  });
  return `./${plain.join("")}`;
}
