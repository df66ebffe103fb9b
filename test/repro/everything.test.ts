import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { reproProject, type ReproProject } from "./project.js";

let project: ReproProject;
beforeAll(async () => {
  project = await reproProject();
  const { folder } = project;
  await mkdir(join(folder, "early"));
  await writeFile(join(folder, "early/hello"), "from inside the kernel\n");
  await writeFile(
    join(folder, "kdock.yaml"),
    `kernel:
  preset: tiny
  fragments: [everything.config]
  set: { INITRAMFS_SOURCE: early }
`,
  );
});
afterAll(() => project.remove());

it("a kernel with all options that add randomness is reproducible under hostile conditions", async () => {
  const built = await project.kdock("build", "kernel");
  expect(built.stderr).not.toContain("error:");
  expect(built.exitCode).toBe(0);
  const verified = await project.kdock("verify", "--stage", "kernel");
  expect(verified.stdout).toMatch(/^kernel .* all equal/m);
  expect(verified.exitCode).toBe(0);
});
