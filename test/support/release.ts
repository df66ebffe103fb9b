import { randomBytes } from "node:crypto";
import { execa } from "execa";
import { packTar } from "../../src/archive/tar.js";
import type { Mirror } from "./mirror.js";
import type { Signer } from "./signer.js";

/** A tarball as kernel.org has them. */
export interface Release {
  readonly version: string;
  readonly tar: Buffer;
  /** The same in the .tar.xz. */
  readonly packed: Buffer;
}

/** A tree that is a kernel's as far as a provider looks; there is nothing in it to build. */
export async function packRelease(version: string): Promise<Release> {
  const [major = "", minor = "", sub = "0"] = version.split(".");
  const makefile = `VERSION = ${major}\nPATCHLEVEL = ${minor}\nSUBLEVEL = ${sub}\nEXTRAVERSION =\n`;
  const file = (path: string, content: Buffer) =>
    ({ path: `linux-${version}/${path}`, kind: "file", mode: 0o644, content }) as const;
  const chunks: Buffer[] = [];
  // Noise, so that the packed file is large enough to be interrupted.
  const entries = [file("Makefile", Buffer.from(makefile)), file("noise", randomBytes(3_000_000))];
  for await (const chunk of packTar(entries)) chunks.push(chunk as Buffer);
  const tar = Buffer.concat(chunks);
  const { stdout } = await execa("xz", ["-0", "-c"], { input: tar, encoding: "buffer" });
  return { version, tar, packed: Buffer.from(stdout) };
}

/** Puts a release and its signature on a mirror; resolves with the path of the tarball there. */
export async function publish(
  mirror: Mirror,
  name: string,
  { version, tar, packed }: Release,
  signer: Signer,
): Promise<string> {
  const path = `${name}/v${version.split(".")[0] ?? ""}.x/linux-${version}.tar`;
  mirror.files.set(`${path}.xz`, packed);
  mirror.files.set(`${path}.sign`, await signer.sign(tar));
  return `${path}.xz`;
}
