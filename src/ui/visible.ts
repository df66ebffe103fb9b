import { Transform } from "node:stream";

/**
 * What a terminal obeys or reorders instead of printing: C0 and C1 controls and DEL, bidirectional controls, line and
 * paragraph separators, halves of surrogate pairs. A line feed and a tab are text.
 */
const UNPRINTED = /(?![\n\t])[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}\p{Cs}]/gu;

/**
 * Text with every character that a terminal would act on spelt out: `\x1b`, `\u009b`, `\u202e`. All text that kdock prints
 * goes through here, because a guest or a build script may have written any part of it. Idempotent.
 */
export function visible(text: string): string {
  return text.replace(UNPRINTED, spelt);
}

/** The one way in which kdock's own words get to a stream; ESLint knows of those places that write bytes. */
export function writeText(stream: NodeJS.WritableStream, text: string): void {
  stream.write(visible(text));
}

/** Whether what is written there is shown at once; a pipe, a file and events with --json are not. */
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

/** JSON leaves DEL, C1 and what follows alone; its own notation is the same inside any string. */
export function visibleJson(json: string): string {
  return json.replace(UNPRINTED, (character) => `\\u${hex(character.charCodeAt(0), 4)}`);
}

// One character per byte (latin1): a well-formed character of several bytes, or a byte that belongs to none.
const UTF8 =
  /[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|\xed[\x80-\x9f][\x80-\xbf]|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2}|[\x80-\xff]/g;
/** At the end of a chunk: what may go on in the next one. */
const UNFINISHED = /(?:[\xc2-\xdf]|[\xe0-\xef][\x80-\xbf]?|[\xf0-\xf4][\x80-\xbf]{0,2}|\r+)$/;

/** Bytes as they come, made visible; a byte that is no UTF-8 becomes `\x9b`. A carriage return that ends a line is left out. */
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
