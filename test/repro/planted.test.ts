import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { reproProject, type ReproProject } from "./project.js";

let project: ReproProject;
beforeAll(async () => {
  project = await reproProject();
});
afterAll(() => project.remove());

async function patched(name: string, patch: string): Promise<void> {
  await writeFile(join(project.folder, name), patch);
  await writeFile(
    join(project.folder, "kdock.yaml"),
    `kernel: { preset: tiny, patches: [${name}] }\n`,
  );
}

/** A patch that adds lines at the start of a file. */
function atHead(path: string, firstLine: string, added: readonly string[]): string {
  const lines = added.map((line) => `+${line}\n`).join("");
  return `--- a/${path}\n+++ b/${path}\n@@ -1 +1,${added.length + 1} @@\n${lines} ${firstLine}\n`;
}

const DRIVER = "drivers/char/virtio_console.c";
const LICENCE = "// SPDX-License-Identifier: GPL-2.0-or-later";

it("a date in a driver is rejected by the compiler", async () => {
  await patched(
    "date.patch",
    atHead(DRIVER, LICENCE, ["static const char planted[] __attribute__((used)) = __DATE__;"]),
  );
  const { exitCode, stderr } = await project.kdock("build", "kernel");
  expect(stderr).toMatch(/virtio_console\.c:1:.*__DATE__.*prevent reproducible builds/);
  expect(exitCode).toBe(1);
});

it("a time that make adds to a driver is found by verify, with the driver's name", async () => {
  await patched(
    "make.patch",
    atHead(DRIVER, LICENCE, ["static const char planted[] __attribute__((used)) = PLANTED;"]) +
      atHead("drivers/char/Makefile", "# SPDX-License-Identifier: GPL-2.0", [
        'CFLAGS_virtio_console.o += -DPLANTED=\'"$(shell date "+%Y-%m-%d %H:%M:%S")"\'',
      ]),
  );
  const built = await project.kdock("build", "kernel");
  expect(built.stderr).not.toContain("error:");
  expect(built.exitCode).toBe(0);
  const { exitCode, stdout } = await project.kdock("verify", "--stage", "kernel");
  expect(stdout).toMatch(/^ {2}vmlinux$/m);
  expect(stdout).toMatch(/comes from: .*drivers\/char\/virtio_console\.o/);
  expect(stdout).toMatch(/likely cause: .*time/i);
  expect(stdout).toContain("NOT reproducible");
  expect(exitCode).toBe(1);
});
