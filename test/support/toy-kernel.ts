import { chmod, copyFile, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";

/**
 * A kernel tree of which a build takes a second: its bzImage is a file of the repository. To kdock, make and git it is a
 * tree like any other, and the image is one that boots.
 */
const MAKEFILE = `VERSION = 6
PATCHLEVEL = 12
SUBLEVEL = 1
.PHONY: bzImage kernelversion kernelrelease olddefconfig
kernelversion:
	@echo 6.12.1
kernelrelease:
	@echo 6.12.1-toy
olddefconfig:
	@[ ! -e Kconfig.lacking ] || sed -i 's/^CONFIG_BINFMT_ELF=y/# CONFIG_BINFMT_ELF is not set/' $(O)/.config
bzImage:
	@if [ -e broken ]; then echo "toy.c:1:1: error: it does not build" >&2; exit 1; fi
	mkdir -p $(O)/arch/x86/boot
	cp image $(O)/arch/x86/boot/bzImage
	touch $(O)/vmlinux $(O)/System.map
`;

/** What kdock asks of a kernel that it boots, and the image has. */
export const TOY_KERNEL_CONFIG = [
  ...["X86_64", "BLK_DEV_INITRD", "BINFMT_ELF", "BINFMT_SCRIPT", "SYSFS", "DEVTMPFS", "SIGNALFD"],
  ...["PCI", "VIRTIO_PCI", "VIRTIO_CONSOLE", "SERIAL_8250_CONSOLE"],
]
  .map((option) => `CONFIG_${option}=y\n`)
  .join("");

export interface ToyKernel {
  readonly folder: string;
  /** By tag: v1, v2 ... */
  readonly commits: Readonly<Record<string, string>>;
  remove(): Promise<void>;
}

/**
 * A repository with a commit for each word, tagged v1, v2 ...: "good" boots, "bad" does not, "broken" does not build, and
 * "lacking" builds without an option that kdock's guests need. All may read it, as the builder's user has to.
 */
export async function toyKernel(
  bzImage: string,
  history: readonly ("good" | "bad" | "broken" | "lacking")[],
): Promise<ToyKernel> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "kdock-toy-")));
  await chmod(folder, 0o755);
  const git = async (...args: readonly string[]) =>
    (
      await execa("git", ["-c", "user.name=Ada", "-c", "user.email=ada@example.com", ...args], {
        cwd: folder,
      })
    ).stdout;
  await git("init", "--quiet", "--initial-branch=main");
  await writeFile(join(folder, "Makefile"), MAKEFILE);
  const commits: Record<string, string> = {};
  for (const [index, word] of history.entries()) {
    const tag = `v${index + 1}`;
    await writeFile(join(folder, "step"), tag);
    for (const [flag, file] of [
      ["broken", "broken"],
      ["lacking", "Kconfig.lacking"],
    ] as const) {
      await rm(join(folder, file), { force: true });
      if (word === flag) await writeFile(join(folder, file), "");
    }
    if (word === "bad") await writeFile(join(folder, "image"), "no kernel at all\n");
    else await copyFile(bzImage, join(folder, "image"));
    await chmod(join(folder, "image"), 0o644);
    await git("add", "--all");
    await git("commit", "--quiet", "--message", `${tag}: a ${word} one`);
    await git("tag", tag);
    commits[tag] = await git("rev-parse", "HEAD");
  }
  await execa("chmod", ["-R", "a+rX", folder]);
  return { folder, commits, remove: () => rm(folder, { recursive: true, force: true }) };
}
