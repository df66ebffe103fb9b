import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createNodeHost } from "../../../../src/host/node-host.js";
import type { Project } from "../../../../src/build/project.js";
import { checkMachines } from "../../../../src/vm/steps/machine.js";
import { config, plan } from "../../fixtures.js";

let folder = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kdock-machine-"));
  await writeFile(join(folder, "x.img"), Buffer.alloc(512));
});

afterAll(() => rm(folder, { recursive: true }));

function check(yaml: string, ...names: readonly string[]): Promise<void> {
  const ctx = { host: createNodeHost({ env: {} }), folder };
  const project = { ctx, config: config(yaml), plan: { ...plan(yaml), folder } };
  return checkMachines(project as unknown as Project, names);
}

it("VMs that start together have no disk in common that one of them writes to", async () => {
  const vms = (b: string) => `vms: { a: { disks: ['./x.img:ro'] }, b: { disks: ['${b}'] } }`;
  await expect(check(vms("x.img:ro"), "a", "b")).resolves.toBeUndefined();
  await expect(check(vms("x.img"), "a")).resolves.toBeUndefined();
  await expect(check(vms("x.img"), "a", "b")).rejects.toMatchObject({
    code: "config",
    message: expect.stringMatching(/^the disk \S+x\.img is a disk of both a and b$/) as unknown,
  });
});

it("looks at the machines of those that are to start, and of no other", async () => {
  const yaml = "vms: { a: {}, b: { numa: 2 }, c: { disks: [nowhere] } }";
  await expect(check(yaml, "a")).resolves.toBeUndefined();
  await expect(check(yaml, "a", "b")).rejects.toThrow(/vm\.numa: 1 processors/);
  await expect(check(yaml, "a", "c")).rejects.toThrow("there is no disk nowhere");
});
