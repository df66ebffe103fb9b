import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";

/** Somebody with a PGP key of their own, made for one test. */
export interface Signer extends AsyncDisposable {
  readonly fingerprint: string;
  /** The public key, armored. */
  readonly key: string;
  /** A detached, armored signature. */
  sign(data: Uint8Array): Promise<Buffer>;
}

export async function newSigner(name: string): Promise<Signer> {
  const home = await mkdtemp(join(tmpdir(), "kdock-gpg-"));
  const gpg = (...args: string[]) =>
    execa("gpg", ["--homedir", home, "--batch", "--quiet", "--passphrase", "", ...args]);
  await gpg("--quick-gen-key", `${name} <${name}@kernel.example>`, "ed25519", "sign", "never");
  const { stdout } = await gpg("--with-colons", "--list-keys");
  const { stdout: key } = await gpg("--armor", "--export");
  return {
    fingerprint: /^fpr:+([0-9A-F]{40}):/m.exec(stdout)?.[1] ?? "",
    key,
    sign: async (data) => {
      await writeFile(join(home, "data"), data);
      await gpg(
        "--yes",
        "--armor",
        "--output",
        join(home, "sig"),
        "--detach-sign",
        join(home, "data"),
      );
      return readFile(join(home, "sig"));
    },
    [Symbol.asyncDispose]: async () => {
      // Its agent ends when its folder is gone.
      await execa("gpgconf", ["--homedir", home, "--kill", "all"], { reject: false });
      await rm(home, { recursive: true, force: true });
    },
  };
}
