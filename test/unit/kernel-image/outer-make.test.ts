import { mkdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { beforeEach, expect, it } from "vitest";
import { useTemporaryFolder } from "../host/temporary-folder.js";

const SCRIPT = fileURLToPath(new URL("../../../images/kernel/outer-make.sh", import.meta.url));
const KERNEL = "/lib/modules/6.1.0/build";

const at = useTemporaryFolder();
beforeEach(() => mkdir(at(".kdock")));

/** The words that the kernel's build system gets in the place of a Makefile's own call, behind M=. */
async function call(...words: string[]): Promise<string[]> {
  const { stdout } = await execa("sh", [SCRIPT, ...words], {
    cwd: at(),
    env: {
      KDOCK_KERNEL_MAKE: "printf '%s\\n'",
      KDOCK_MODULE_FOLDER: at(),
      KDOCK_RELEASE: "6.1.0",
      KDOCK_OUTER_PATH: process.env["PATH"],
    },
  });
  return stdout.split("\n").filter((word) => word !== `M=${at()}`);
}

it.each<[words: string[], passed: string[]]>([
  [["-C", KERNEL, "M=/home/ada/module", "modules"], ["modules"]],
  [["-C", KERNEL, "M=/home/ada/module"], ["modules"]],
  [
    ["-C", KERNEL, "M=/home/ada/module", "V=1", "CC=gcc"],
    ["V=1", "modules"],
  ],
  // How many at once is the build's to say.
  [["-j", "4", "-C", KERNEL, "M=/m"], ["modules"]],
  [["-j4", "-C", KERNEL, "M=/m"], ["modules"]],
  [["-j", "-C", KERNEL, "M=/m", "modules"], ["modules"]],
  [["-C", KERNEL, "M=/m", "-j", "modules"], ["modules"]],
  [["--jobs", "4", "-C", KERNEL, "M=/m"], ["modules"]],
  [["--jobs=4", "-C", KERNEL, "M=/m"], ["modules"]],
  [["-l", "2.5", "-C", KERNEL, "M=/m"], ["modules"]],
  [["-l2", "--load-average", "2", "--max-load=2", "-C", KERNEL, "M=/m"], ["modules"]],
  // The folder of the user's machine, in every form.
  [
    ["-sC", KERNEL, "M=/m"],
    ["-s", "modules"],
  ],
  [
    ["-kC", KERNEL, "M=/m", "modules"],
    ["-k", "modules"],
  ],
  [
    [`-skC${KERNEL}`, "M=/m", "modules"],
    ["-sk", "modules"],
  ],
  [[`-C${KERNEL}`, "M=/m", "modules"], ["modules"]],
  [["--directory", KERNEL, "M=/m"], ["modules"]],
  [[`--directory=${KERNEL}`, "M=/m"], ["modules"]],
  [
    ["-skj", "4", "-C", KERNEL, "M=/m"],
    ["-sk", "modules"],
  ],
  [
    ["-skj4", "-C", KERNEL, "M=/m"],
    ["-sk", "modules"],
  ],
  // What belongs to an option is no target.
  [
    ["-I", "clean", "-Otarget", "--debug=b", "-C", KERNEL, "M=/m"],
    ["-I", "clean", "-Otarget", "--debug=b", "modules"],
  ],
  [
    ["-sW", "one.c", "--what-if", "two.c", "-C", KERNEL, "M=/m"],
    ["-sW", "one.c", "--what-if", "two.c", "modules"],
  ],
])("`make %j` calls the kernel's build system with %j", async (words, passed) => {
  expect(await call(...words)).toEqual(passed);
});

it.each<string[][]>([
  [["-C", KERNEL, "M=/m", "clean"]],
  [["-sC", KERNEL, "-j", "4", "M=/m", "clean"]],
  [["-I", "include", "-C", KERNEL, "M=/m", "modules_install"]],
])("`make %j` calls nothing", async (words) => {
  expect(await call(...words)).toEqual([""]);
});

it.each<string[][]>([
  [["-C", KERNEL, "kernelrelease"]],
  [["-sC", KERNEL, "kernelrelease"]],
  [["-s", `-C${KERNEL}`, "kernelversion"]],
  [["--directory", KERNEL, "kernelrelease"]],
  [[`--directory=${KERNEL}`, "-s", "kernelrelease"]],
])("`make %j` prints the release of this build's kernel", async (words) => {
  expect(await call(...words)).toEqual(["6.1.0"]);
});
