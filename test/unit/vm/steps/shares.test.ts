import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createNodeHost } from "../../../../src/host/node-host.js";
import type { Project } from "../../../../src/build/project.js";
import { checkShares } from "../../../../src/vm/steps/shares.js";
import { config, plan } from "../../fixtures.js";

let folder = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kdock-shares-"));
  await mkdir(join(folder, "dir"));
  await writeFile(join(folder, "file"), "");
});

afterAll(() => rm(folder, { recursive: true }));

/** A project with an engine at `endpoint`; without one, none may be asked. */
function project(yaml: string, endpoint?: string): Project {
  const engine = () => {
    if (endpoint === undefined) throw new Error("the engine was asked");
    return Promise.resolve({ info: () => Promise.resolve({ endpoint }) });
  };
  const ctx = { host: createNodeHost({ env: {} }), engine };
  return {
    ctx,
    config: config(yaml),
    plan: { ...plan(yaml), folder },
  } as unknown as Project;
}

it("asks no engine where there are no shares", async () => {
  await expect(checkShares(project(""), ["vm"])).resolves.toBeUndefined();
});

it.each([
  ["nowhere", "vm.shares: there is no folder nowhere"],
  ["file", "vm.shares: file is not a folder"],
  ["file/below", "vm.shares: there is no folder file/below"],
])("refuses %s before it asks an engine", async (share, message) => {
  await expect(checkShares(project(`vm: { shares: [${share}] }`), ["vm"])).rejects.toMatchObject({
    code: "config",
    message,
  });
});

it("looks at those of the VMs that are to start, and of no other", async () => {
  const yaml = "vms: { a: { shares: [dir] }, b: { shares: [nowhere] } }";
  const engine = "unix:///var/run/docker.sock";
  await expect(checkShares(project(yaml, engine), ["a"])).resolves.toBeUndefined();
  await expect(checkShares(project(yaml, engine), ["a", "b"])).rejects.toThrow("nowhere");
});

it("refuses an engine that has other folders, and says what helps", async () => {
  const far = project("vm: { shares: [dir] }", "ssh://ada@far.example");
  await expect(checkShares(far, ["vm"])).rejects.toMatchObject({
    code: "environment",
    message: expect.stringContaining("ssh://ada@far.example is on another machine") as unknown,
    hint: expect.stringContaining("kdock cp dir :/root/") as unknown,
  });
});
