import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, it } from "vitest";
import { DEFAULT_VM, projectNames } from "../../src/core/plan/names.js";
import { docker, kdock, removeVolumes, ROOT } from "../support/kdock.js";
import { labSide } from "../support/lab.js";
import { SecretScan } from "../support/secret-scan.js";

/** A kernel that takes signed modules only: a small one, because the option touches every object. */
const YAML = `gdb: { listen: 127.0.0.1:0 }
kernel:
  preset: tiny
  set: { MODULES: y, MODULE_UNLOAD: y, DUMMY: m, MODULE_SIG: y, MODULE_SIG_FORCE: y }
`;
/** A project of its own. */
let folder: string;
/** A folder of the test's own with the module and the key in it. */
let here: string;
let scan: SecretScan;
/** All that was said, and what the engine says of every container that was started. */
const said: string[] = [];

const at = (...names: string[]) => join(here, ...names);
const names = () => projectNames(folder);
const label = () => `label=io.kdock.project=${names().id}`;
const inProject = (...args: string[]) => kdock(args, { cwd: folder });
const signed = (...args: string[]) =>
  kdock(args, { cwd: folder, env: { KDOCK_KERNEL_MODULEKEY: at("signer.pem") } });
const sh = (script: string) => inProject("exec", "--", "sh", "-c", script);

beforeAll(async () => {
  folder = await labSide("signing", YAML);
  here = await mkdtemp(join(tmpdir(), "kdock-signer-"));
  await cp(`${ROOT}test/fixtures/modules/hello`, at("hello"), { recursive: true });
  await execa("openssl", [
    ...["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=modules of a test"],
    ...["-days", "30", "-keyout", at("signer.pem"), "-out", at("signer.crt")],
  ]);
  const pem =
    (await readFile(at("signer.pem"), "utf8")) + (await readFile(at("signer.crt"), "utf8"));
  await writeFile(at("signer.pem"), pem, { mode: 0o600 });
  scan = new SecretScan(pem);
  const events = execa("docker", [
    ...["events", "--filter", "event=start", "--filter", "type=container"],
    ...["--filter", label(), "--format", "{{.ID}}"],
  ]);
  const inspecting = (async () => {
    for await (const id of events) said.push(await docker("inspect", id).catch(() => ""));
  })().catch(() => undefined);
  const { exitCode, stdout, stderr } = await signed("-v", "run", "-d");
  expect(exitCode, stderr).toBe(0);
  events.kill();
  await inspecting;
  said.push(stdout, stderr);
});
afterAll(async () => {
  await inProject("clean");
  await removeVolumes(folder);
  for (const path of [folder, here]) await rm(path, { recursive: true, force: true });
});

it("is signed with it, as is one from elsewhere, and the guest takes no other", async () => {
  const { stdout: file } = await sh("find /lib/modules -name dummy.ko");
  const copied = await inProject("cp", `:${file.trim()}`, at("dummy.ko"));
  expect(copied.exitCode, copied.stderr).toBe(0);
  expect((await readFile(at("dummy.ko"))).includes("modules of a test")).toBe(true);
  const { exitCode, stderr } = await signed("module", "build", at("hello"), "--load");
  expect(exitCode, stderr).toBe(0);
  await sh("rmmod greeting; rmmod hello");
  // Without the key it gets the public one.
  const other = await inProject("module", "build", at("hello"), "--load");
  expect(other.stderr).toMatch(/key/i);
  expect(other.exitCode).not.toBe(0);
});

it("tells the key to nobody but the builder", async () => {
  const plan = await signed("plan");
  const json = await signed("plan", "--json");
  const compose = await signed("compose", "--unlocked");
  for (const { stdout } of [plan, json, compose]) expect(stdout).toContain("module-signing.pem");
  said.push(plan.stdout, json.stdout, compose.stdout);
  // A builder was started, and looked at.
  expect(said.join()).toContain(names().buildContainer("kernel"));
  for (const text of said) expect(scan.find(text)).toEqual([]);

  const { stdout: volumes } = await execa("docker", [
    ...["volume", "ls", "-q", "--filter", `label=io.kdock.project=${names().id}`],
  ]);
  expect(volumes).toContain("-build-");
  for (const name of volumes.split("\n")) {
    expect(scan.find(await docker("volume", "inspect", name))).toEqual([]);
  }
  await writeFile(at("forms"), scan.lines().join("\n"));
  const found = async (folder: string) =>
    (await execa("grep", ["-rlaFf", at("forms"), folder], { reject: false })).stdout;
  expect(await found(`${folder}/.kdock`)).toBe("");
  // The scan does find one.
  expect(await found(here)).toContain("signer.pem");
  const objects = volumes.split("\n").find((name) => name.includes("-build-")) ?? "";
  const image = (
    await docker("inspect", names().vmContainer(DEFAULT_VM), "--format", "{{.Image}}")
  ).trim();
  const inVolume = await execa("docker", [
    ...["run", "--rm", "--network", "none", "-v", `${objects}:/build:ro`, "-v", `${here}:/here:ro`],
    ...["--entrypoint", "grep", image, "-rlaFf", "/here/forms", "/build", "/here/signer.pem"],
  ]);
  expect(inVolume.stdout).toBe("/here/signer.pem");
});
