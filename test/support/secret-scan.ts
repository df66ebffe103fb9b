import { createPrivateKey, createPublicKey } from "node:crypto";

/** As many bytes as a line of PEM has. */
const SLICE = 48;

/**
 * Looks for parts of a private key, in every form in which one could have been written down: raw, hexadecimal, and in base64
 * however it is aligned, which are also the lines of the PEM file. What the public key has as well is not looked for.
 */
export class SecretScan {
  readonly #forms: readonly Buffer[];

  constructor(pem: string) {
    const der = createPrivateKey(pem).export({ type: "pkcs8", format: "der" });
    const pkcs1 = createPrivateKey(pem).export({ type: "pkcs1", format: "der" });
    const open = createPublicKey(pem).export({ type: "spki", format: "der" });
    const body = /-----BEGIN [A-Z ]*PRIVATE KEY-----\n(.*?)-----END/s.exec(pem)?.[1] ?? "";
    const lines = body.split("\n").filter((line) => line.length === 64);
    this.#forms = [
      ...lines.map((line) => Buffer.from(line)),
      ...[...slices(der), ...slices(pkcs1), ...lines.map((line) => Buffer.from(line))].flatMap(
        (slice) => (isPublic(slice, open) ? [] : formsOf(slice)),
      ),
    ].filter(
      (form, at, all) =>
        !isPublicLine(form, open) && all.findIndex((other) => other.equals(form)) === at,
    );
  }

  /** What is found, for a message that says where to look. */
  find(where: Buffer | string): string[] {
    const bytes = Buffer.from(where);
    return this.#forms
      .filter((form) => bytes.includes(form))
      .map((form) => form.toString("latin1"));
  }

  /** The forms that are text, for grep. */
  lines(): string[] {
    return this.#forms
      .map((form) => form.toString("latin1"))
      .filter((form) => /^[\w+/=]+$/.test(form));
  }
}

function slices(der: Buffer): Buffer[] {
  const found: Buffer[] = [];
  for (let at = 0; at + SLICE <= der.length; at += SLICE) found.push(der.subarray(at, at + SLICE));
  return found;
}

/** The modulus is in both, and begins at another offset there. */
function isPublic(slice: Buffer, open: Buffer): boolean {
  return open.includes(slice.subarray(0, 16)) || open.includes(slice.subarray(-16));
}

function isPublicLine(form: Buffer, open: Buffer): boolean {
  const decoded = Buffer.from(form.toString("latin1"), "base64");
  return decoded.length === SLICE && isPublic(decoded, open);
}

function formsOf(slice: Buffer): Buffer[] {
  const hex = slice.toString("hex");
  const aligned = [0, 1, 2].map((skip) =>
    // Without what its neighbours have a share in.
    Buffer.from(slice.subarray(skip, SLICE - 3 + skip).toString("base64")),
  );
  return [slice, Buffer.from(hex), Buffer.from(hex.toUpperCase()), ...aligned];
}
