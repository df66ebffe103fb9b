import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { NameKind } from "../../../../src/completion/plan/values.js";
import { findNames } from "../../../../src/completion/steps/names.js";
import { FOLDER, LABEL, projectNames } from "../../../../src/core/plan/names.js";
import type { FoundContainer } from "../../../../src/engine/quick-engine.js";
import { nodeFiles } from "../../../../src/host/node-files.js";

const KEY = "5c71aa00bb11cc22";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "kdock-names-"));
});
afterEach(() => rm(folder, { recursive: true }));

async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await writeFile(join(folder, path), text);
}

function container(name: string, running: boolean): FoundContainer {
  const labels = { [LABEL.vm]: JSON.stringify({ slot: { name, index: 0 } }) };
  return { id: name, name, running, status: running ? "Up 3 minutes" : "Exited (1)", labels };
}

const ENGINE = {
  findContainers: () => Promise.resolve([container("web", true), container("old", false)]),
  container: () => {
    throw new Error("nothing is run in it");
  },
};

function found(kind: NameKind, typed = "") {
  const guests = { names: projectNames(folder), quickEngine: () => Promise.resolve(ENGINE) };
  const ctx = { guests, files: nodeFiles, folder, configPath: join(folder, "kdock.yaml") };
  return findNames(ctx, [kind], typed);
}

const values = async (kind: NameKind, typed = "") =>
  (await found(kind, typed)).map(({ value }) => value);

it("VMs that run, all VMs, and paths in those that run", async () => {
  expect(await found("running-vm")).toEqual([{ value: "web", about: "Up 3 minutes" }]);
  expect(await values("vm")).toEqual(["web", "old"]);
  expect(await values("guest-path")).toEqual([":", "web:"]);
});

it("VMs and options of kdock.yaml, also of one that is not valid", async () => {
  expect(await values("configured-vm")).toEqual([]);
  await write("kdock.yaml", "vms: { a: {}, b: {} }\nkernel: { set: { NET: y } }\nno: such key\n");
  expect(await values("configured-vm")).toEqual(["a", "b"]);
  expect(await values("configured-option")).toEqual(["NET"]);
  await write("kdock.yaml", "vms: [a\n");
  expect(await values("configured-vm")).toEqual([]);
});

it("keys of kernels, with what they were made from; those of other stages", async () => {
  expect(await values("kernel-key")).toEqual([]);
  const inputs = { source: "debian:6.12", preset: "debug" };
  const manifest = {
    stage: "kernel",
    key: KEY,
    inputs,
    resolved: { release: "6.12.9" },
    files: [],
  };
  await write(`${FOLDER.out}/kernel/${KEY}/${FOLDER.manifest}`, JSON.stringify(manifest));
  await write(`${FOLDER.out}/kernel/${KEY}.tmp-1/x`, "");
  await write(`${FOLDER.out}/set/0123abcd/x`, "");
  await mkdir(join(folder, FOLDER.current));
  await symlink(`../kernel/${KEY}`, join(folder, FOLDER.current, "kernel"));
  expect(await found("kernel-key")).toEqual([
    { value: KEY, about: "6.12.9, debian:6.12, debug *" },
  ]);
  expect(await values("any-key")).toEqual(["current", KEY, "0123abcd"]);
});

it("options and functions of the current kernel, and modules; none before the first build", async () => {
  expect(await values("kernel-option", "NE")).toEqual([]);
  expect(await values("module")).toEqual([]);
  await write(`${FOLDER.current}/kernel/config`, "CONFIG_NET=y\n");
  await write(`${FOLDER.current}/kernel/System.map`, "00 T ip_rcv\n");
  await write(`${FOLDER.out}/module/hello/${FOLDER.manifest}`, "{}");
  expect(await values("kernel-option", "NE")).toEqual(["NET"]);
  expect(await values("kernel-setting", "NE")).toEqual(["NET="]);
  expect(await values("function", "ip_")).toEqual(["ip_rcv"]);
  expect(await values("module")).toEqual(["hello"]);
});
