const LONE_SURROGATES = /\p{Cs}+/u;
/** Python's "surrogateescape": the byte 0x80 is U+DC80. */
const ESCAPED = 0xdc00;

/**
 * The text of a file that other programs write, which need not be UTF-8: each byte that is not becomes a lone surrogate, which
 * `bytesOfText` converts back.
 */
export function looseText(bytes: Uint8Array): string {
  return strictText(bytes) ?? linesWithEnds(bytes).map(looseLine).join("");
}

/** The inverse of `looseText`, except that a byte order mark is lost. */
export function bytesOfText(text: string): Buffer {
  if (!LONE_SURROGATES.test(text)) return Buffer.from(text);
  const parts = text.split(/(\p{Cs}+)/u);
  return Buffer.concat(
    parts.map((part, index) =>
      index % 2 === 0
        ? Buffer.from(part)
        : Buffer.from(Array.from(part, (each) => each.charCodeAt(0) - ESCAPED)),
    ),
  );
}

/** Whether a text holds bytes that are not UTF-8. */
export function isLoose(text: string): boolean {
  return LONE_SURROGATES.test(text);
}

/** undefined for bytes that are not UTF-8. */
function strictText(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function linesWithEnds(bytes: Uint8Array): Uint8Array[] {
  const lines: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = bytes.indexOf(0x0a, at);
    const next = end < 0 ? bytes.length : end + 1;
    lines.push(bytes.subarray(at, next));
    at = next;
  }
  return lines;
}

function looseLine(bytes: Uint8Array): string {
  const whole = strictText(bytes);
  if (whole !== undefined) return whole;
  let text = "";
  for (let at = 0; at < bytes.length;) {
    const character = strictText(bytes.subarray(at, at + lengthByFirst(bytes[at] ?? 0)));
    text += character ?? String.fromCharCode(ESCAPED + (bytes[at] ?? 0));
    at += character === undefined ? 1 : lengthByFirst(bytes[at] ?? 0);
  }
  return text;
}

/** How many bytes a character has in UTF-8, by its first one. */
function lengthByFirst(byte: number): number {
  if (byte >= 0xf0) return 4;
  if (byte >= 0xe0) return 3;
  return byte >= 0xc0 ? 2 : 1;
}
