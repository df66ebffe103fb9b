import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, it } from "vitest";
import { DEFAULT_VM, projectNames } from "../../src/core/plan/names.js";
import { docker, kdock, removeVolumes, ROOT } from "../support/kdock.js";
import { labSide } from "../support/lab.js";
import { SecretScan } from "../support/secret-scan.js";

/** A kernel that loads signed modules only; preset tiny, since the option recompiles every object. */
const YAML = `gdb: { listen: 127.0.0.1:0 }
kernel:
  preset: tiny
  set: { MODULES: y, MODULE_UNLOAD: y, DUMMY: m, MODULE_SIG: y, MODULE_SIG_FORCE: y }
`;
/** The test's project. */
let folder: string;
/** A temporary folder with the module and the key. */
let here: string;
let scan: SecretScan;
/** All output, and `docker inspect` of every container that was started. */
const outputs: string[] = [];

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
    for await (const id of events) outputs.push(await docker("inspect", id).catch(() => ""));
  })().catch(() => undefined);
  const { exitCode, stdout, stderr } = await signed("-v", "run", "-d");
  expect(exitCode, stderr).toBe(0);
  events.kill();
  await inspecting;
  outputs.push(stdout, stderr);
});
afterAll(async () => {
  await inProject("clean");
  await removeVolumes(folder);
  for (const path of [folder, here]) await rm(path, { recursive: true, force: true });
});

it("kernel.moduleKey signs the kernel's and out-of-tree modules, and the guest rejects others", async () => {
  const { stdout: file } = await sh("find /lib/modules -name dummy.ko");
  const copied = await inProject("cp", `:${file.trim()}`, at("dummy.ko"));
  expect(copied.exitCode, copied.stderr).toBe(0);
  expect((await readFile(at("dummy.ko"))).includes("modules of a test")).toBe(true);
  const { exitCode, stderr } = await signed("module", "build", at("hello"), "--load");
  expect(exitCode, stderr).toBe(0);
  await sh("rmmod greeting; rmmod hello");
  // Without kernel.moduleKey the module is signed with kdock's public key.
  const other = await inProject("module", "build", at("hello"), "--load");
  expect(other.stderr).toMatch(/key/i);
  expect(other.exitCode).not.toBe(0);
});

it("the key is only in the builder container", async () => {
  const plan = await signed("plan");
  const json = await signed("plan", "--json");
  const compose = await signed("compose", "--unlocked");
  for (const { stdout } of [plan, json, compose]) expect(stdout).toContain("module-signing.pem");
  outputs.push(plan.stdout, json.stdout, compose.stdout);
  // A builder was started and inspected.
  expect(outputs.join()).toContain(names().buildContainer("kernel"));
  for (const text of outputs) expect(scan.find(text)).toEqual([]);

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
  // The scan finds the key file itself.
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
