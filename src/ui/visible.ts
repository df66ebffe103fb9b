import { Transform } from "node:stream";

/**
 * Characters that a terminal interprets or reorders: C0 and C1 controls and DEL, bidirectional controls, line and paragraph
 * separators, lone surrogates. A line feed and a tab are text.
 */
const UNPRINTED = /(?![\n\t])[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}\p{Cs}]/gu;

/**
 * Text with control characters escaped: `\x1b`, `\u009b`, `\u202e`. All text that kdock prints is escaped, because any part may
 * come from a guest or a build script. Idempotent.
 */
export function visible(text: string): string {
  return text.replace(UNPRINTED, spelt);
}

/** Writes text to a stream. Other writes are forbidden by ESLint, except in listed files that write bytes. */
export function writeText(stream: NodeJS.WritableStream, text: string): void {
  stream.write(visible(text));
}

/** Whether the stream is a terminal, not a pipe, a file or events with --json. */
export function isTerminal(stream: NodeJS.WritableStream & { readonly isTTY?: boolean }): boolean {
  return stream.isTTY === true;
}

function spelt(character: string): string {
  const code = character.charCodeAt(0);
  return code < 0x80 ? `\\x${hex(code, 2)}` : `\\u${hex(code, 4)}`;
}

function hex(code: number, digits: number): string {
  return code.toString(16).padStart(digits, "0");
}

/** JSON.stringify does not escape DEL, C1 and most others; \u escapes are valid in any string. */
export function visibleJson(json: string): string {
  return json.replace(UNPRINTED, (character) => `\\u${hex(character.charCodeAt(0), 4)}`);
}

// On one character per byte (latin1): a valid character of several bytes, or an invalid byte.
const UTF8 =
  /[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|\xed[\x80-\x9f][\x80-\xbf]|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2}|[\x80-\xff]/g;
/** At the end of a chunk: a character that may continue in the next one. */
const UNFINISHED = /(?:[\xc2-\xdf]|[\xe0-\xef][\x80-\xbf]?|[\xf0-\xf4][\x80-\xbf]{0,2}|\r+)$/;

/** Escapes a stream of bytes; a byte that is not UTF-8 becomes `\x9b`. Drops carriage returns at line ends. */
export function visibleBytes(): Transform {
  let rest = "";
  const shown = (bytes: string) =>
    visible(
      bytes
        .replace(/\r+\n/g, "\n")
        .replace(UTF8, (found) =>
          found.length === 1
            ? `\\x${hex(found.charCodeAt(0), 2)}`
            : Buffer.from(found, "latin1").toString("utf8"),
        ),
    );
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const bytes = rest + chunk.toString("latin1");
      rest = (UNFINISHED.exec(bytes)?.[0] ?? "").slice(-4);
      done(null, shown(bytes.slice(0, bytes.length - rest.length)));
    },
    flush(done) {
      done(null, shown(rest));
    },
  });
}
