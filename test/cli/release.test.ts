import { chmod, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { parseLock } from "../../src/build/lock/lock-text.js";
import { sha256 } from "../../src/core/plan/keys.js";
import { projectNames } from "../../src/core/plan/names.js";
import { builderImage } from "../support/builder-image.js";
import { docker, kdock, removeVolumes } from "../support/kdock.js";
import { labSide } from "../support/lab.js";
import { type Mirror, openMirror } from "../support/mirror.js";
import { packRelease, publish, type Release } from "../support/release.js";
import { newSigner, type Signer } from "../support/signer.js";

/** `--kernel release:…` through all of kdock; mirrors are tested in test/engine. */
let mirror: Mirror;
let signer: Signer;
let stranger: Signer;
let folder: string;
let older: Release;
let newer: Release;

beforeAll(async () => {
  mirror = await openMirror(await builderImage());
  [signer, stranger] = await Promise.all([newSigner("greg"), newSigner("mallory")]);
  [older, newer] = await Promise.all([packRelease("6.12.8"), packRelease("6.12.9")]);
  const yaml = `kernel: { preset: tiny, mirrors: ['${mirror.at("good")}'], keys: [greg.asc] }\n`;
  folder = await labSide("release", yaml);
  // Uses the lab's lock and builder, not its kernels.
  await rm(join(folder, ".kdock"), { recursive: true });
  await chmod(folder, 0o755);
  await writeFile(join(folder, "greg.asc"), signer.key);
});
afterAll(async () => {
  const { id } = projectNames(folder);
  await removeVolumes(folder);
  expect(await docker("ps", "-aq", "--filter", `label=io.kdock.project=${id}`)).toBe("");
  await rm(folder, { recursive: true });
  for (const each of [mirror, signer, stranger]) await each[Symbol.asyncDispose]();
});
beforeEach(() => {
  mirror.files.clear();
});

async function locked() {
  return parseLock(await readFile(join(folder, "kdock.lock"), "utf8"), "kdock.lock").sources;
}

it("a release line is locked at its newest version, and updated only on request", async () => {
  await publish(mirror, "good", older, signer);
  // A bare version is a release here, because mirrors are configured. The tree has nothing to build.
  const first = await kdock(["build", "kernel", "--kernel", "6.12"], { cwd: folder });
  expect(first.stderr).toContain("the kernel build ended with exit code");
  expect(first.exitCode).toBe(1);
  const pinned = (await locked())["kernel release:6.12"];
  expect(pinned).toMatchObject({
    version: "6.12.8",
    sha256: sha256(older.packed),
    signedBy: `pgp:${signer.fingerprint}`,
  });

  await publish(mirror, "good", newer, signer);
  const env = { KDOCK_KERNEL_SOURCE: "release:6.12" };
  await kdock(["lock"], { cwd: folder, env });
  expect((await locked())["kernel release:6.12"]).toEqual(pinned);
  await kdock(["lock", "--update", "kernel"], { cwd: folder, env });
  expect((await locked())["kernel release:6.12"]?.version).toBe("6.12.9");
});

it("an unknown signer and a missing version are rejected, with hints", async () => {
  await publish(mirror, "good", older, stranger);
  const strange = await kdock(["build", "kernel", "--kernel", "6.12.8"], { cwd: folder });
  expect(strange.stderr).toContain(stranger.fingerprint);
  expect(strange.stderr).toContain("kernel.keys");
  expect(strange.exitCode).toBe(2);
  const absent = await kdock(["build", "kernel", "--kernel", "6.12.99"], { cwd: folder });
  expect(absent.stderr).toMatch(/no release of Linux 6\.12\.99[^]*release:6\.12\.8/);
  expect(absent.exitCode).toBe(2);
  expect(Object.keys(await locked())).not.toContain("kernel release:6.12.8");
});

it("an unreachable mirror is exit code 3, with Debian's version as a hint", async () => {
  const env = { KDOCK_KERNEL_MIRRORS: mirror.down };
  const { exitCode, stderr } = await kdock(["build", "kernel", "--kernel", "release:6.12.50"], {
    cwd: folder,
    env,
  });
  expect(stderr).toMatch(/could not be fetched from any mirror[^]*build debian:6\.12,/);
  expect(exitCode).toBe(3);
});
