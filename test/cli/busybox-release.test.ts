import { chmod, copyFile, mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { parseLock } from "../../src/build/lock/lock-text.js";
import { sha256 } from "../../src/core/plan/keys.js";
import { projectNames } from "../../src/core/plan/names.js";
import { busyboxImage } from "../support/builder-image.js";
import { docker, kdock, removeVolumes } from "../support/kdock.js";
import { LAB } from "../support/lab.js";
import { type Mirror, openMirror } from "../support/mirror.js";
import { packBusybox, publishBusybox } from "../support/release.js";
import { newSigner, type Signer } from "../support/signer.js";
import { makeToyTree, TOY_CONFIG } from "../support/toy-tree.js";

/** A busybox without a known checksum, through all of kdock. Kernel and busybox are toys that only configure. */
const VERSION = "1.99.0";
const NAME = `busybox release:${VERSION}`;
let mirror: Mirror;
let signer: Signer;
let folder: string;

beforeAll(async () => {
  mirror = await openMirror(await busyboxImage());
  signer = await newSigner("denys", "old");
  folder = await realpath(await mkdtemp(join(tmpdir(), "kdock-busybox-")));
  await chmod(folder, 0o755);
  await copyFile(join(LAB, "kdock.lock"), join(folder, "kdock.lock"));
  await makeToyTree(join(folder, "toy"));
  await writeFile(join(folder, "toy.config"), TOY_CONFIG);
  await writeFile(join(folder, "denys.asc"), signer.key);
  await writeFile(
    join(folder, "kdock.yaml"),
    `kernel: { source: ./toy, preset: 'file:toy.config' }
busybox:
  source: release:${VERSION}
  mirrors: ['${mirror.down}', '${mirror.at("good")}']
  keys: [denys.asc]
`,
  );
});
afterAll(async () => {
  const { id } = projectNames(folder);
  await removeVolumes(folder);
  expect(await docker("ps", "-aq", "--filter", `label=io.kdock.project=${id}`)).toBe("");
  await rm(folder, { recursive: true });
  for (const each of [mirror, signer]) await each[Symbol.asyncDispose]();
});

async function locked() {
  return parseLock(await readFile(join(folder, "kdock.lock"), "utf8"), "kdock.lock").sources[NAME];
}

it("`kdock lock` pins version, checksum and signer, and builds check the checksum", async () => {
  const packed = await packBusybox(`busybox-${VERSION}`);
  const path = await publishBusybox(mirror, "good", { version: VERSION, packed }, signer);
  const first = await kdock(["lock"], { cwd: folder });
  expect(first.stderr).not.toContain("error:");
  expect(first.exitCode).toBe(0);
  const pinned = await locked();
  expect(pinned).toMatchObject({
    version: VERSION,
    sha256: sha256(packed),
    signedBy: `pgp:${signer.fingerprint}`,
  });

  // With the lock, but without source and key, no signature is fetched.
  await removeVolumes(folder);
  mirror.requests.length = 0;
  const built = await kdock(["build", "busybox"], { cwd: folder });
  // The toy has nothing to compile.
  expect(built.stderr).toContain("the busybox build ended with exit code");
  expect(mirror.requests).toEqual([`GET ${path}`]);
  expect(await locked()).toEqual(pinned);
});
