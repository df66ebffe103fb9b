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

const BUSYBOX_MAKEFILE = `.PHONY: kernelversion defconfig oldconfig
kernelversion:
	@echo 1.99.0
defconfig:
	@touch $(O)/.config
oldconfig:
	@true
`;

/** A busybox tarball that takes every configuration, and has nothing in it to build. */
export async function packBusybox(folder: string): Promise<Buffer> {
  const file = (path: string, content: Buffer) =>
    ({ path: `${folder}/${path}`, kind: "file", mode: 0o644, content }) as const;
  const makefile = Buffer.from(BUSYBOX_MAKEFILE);
  const tar = await tarOf([file("Makefile", makefile), file("noise", randomBytes(500_000))]);
  const { stdout } = await execa("bzip2", ["-1", "-c"], { input: tar, encoding: "buffer" });
  return Buffer.from(stdout);
}

/** A tree that is a kernel's as far as a provider looks; there is nothing in it to build. */
export async function packRelease(version: string): Promise<Release> {
  const [major = "", minor = "", sub = "0"] = version.split(".");
  const makefile = `VERSION = ${major}\nPATCHLEVEL = ${minor}\nSUBLEVEL = ${sub}\nEXTRAVERSION =\n`;
  const file = (path: string, content: Buffer) =>
    ({ path: `linux-${version}/${path}`, kind: "file", mode: 0o644, content }) as const;
  // Noise, so that the packed file is large enough to be interrupted.
  const tar = await tarOf([
    file("Makefile", Buffer.from(makefile)),
    file("noise", randomBytes(3_000_000)),
  ]);
  const { stdout } = await execa("xz", ["-0", "-c"], { input: tar, encoding: "buffer" });
  return { version, tar, packed: Buffer.from(stdout) };
}

async function tarOf(entries: Parameters<typeof packTar>[0]): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of packTar(entries)) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** Puts a busybox tarball and its signature into a folder of a mirror; resolves with the tarball's path there. */
export async function publishBusybox(
  mirror: Mirror,
  name: string,
  { version, packed }: Pick<Release, "version" | "packed">,
  signer: Signer,
): Promise<string> {
  const path = `${name}/busybox-${version}.tar.bz2`;
  mirror.files.set(path, packed);
  mirror.files.set(`${path}.sig`, await signer.sign(packed));
  return path;
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
