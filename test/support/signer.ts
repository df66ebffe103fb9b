import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";

/** Somebody with a PGP key of their own, made for one test. */
export interface Signer extends AsyncDisposable {
  readonly fingerprint: string;
  /** The public key, armored. */
  readonly key: string;
  /** A detached signature; armored, unless the key is an old one. */
  sign(data: Uint8Array): Promise<Buffer>;
}

/** Old: as busybox's maintainer has had it since 2006, DSA of 1024 bits over SHA-1, and signatures that are not armored. */
export async function newSigner(name: string, kind: "new" | "old" = "new"): Promise<Signer> {
  const home = await mkdtemp(join(tmpdir(), "kdock-gpg-"));
  const gpg = (...args: string[]) =>
    execa("gpg", ["--homedir", home, "--batch", "--quiet", "--passphrase", "", ...args]);
  await gpg(
    "--quick-gen-key",
    `${name} <${name}@kernel.example>`,
    kind === "new" ? "ed25519" : "dsa1024",
    "sign",
    "never",
  );
  const { stdout } = await gpg("--with-colons", "--list-keys");
  const { stdout: key } = await gpg("--armor", "--export");
  return {
    fingerprint: /^fpr:+([0-9A-F]{40}):/m.exec(stdout)?.[1] ?? "",
    key,
    sign: async (data) => {
      await writeFile(join(home, "data"), data);
      await gpg(
        ...["--yes", ...(kind === "new" ? ["--armor"] : ["--digest-algo", "SHA1"])],
        ...["--output", join(home, "sig"), "--detach-sign", join(home, "data")],
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
