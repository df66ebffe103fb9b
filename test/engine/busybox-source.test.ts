import { randomUUID } from "node:crypto";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { sha256 } from "../../src/core/plan/keys.js";
import { busyboxImage } from "../support/builder-image.js";
import { docker } from "../support/kdock.js";
import { type Mirror, openMirror } from "../support/mirror.js";
import { packBusybox, publishBusybox } from "../support/release.js";
import { newSigner, type Signer } from "../support/signer.js";

/**
 * images/busybox/source.sh in the real builder, against a mirror on this machine and keys of its own. To these containers
 * busybox.net and Debian's archive are places where nobody listens.
 */
const VERSION = "1.99.0";
const FILE = `busybox-${VERSION}.tar.bz2`;
const SPEC = `release:${VERSION}`;
let image: string;
let mirror: Mirror;
let signer: Signer;
let stranger: Signer;
let packed: Buffer;
let volume: string;
let keys: string;

beforeAll(async () => {
  image = await busyboxImage();
  mirror = await openMirror(image);
  [signer, stranger] = await Promise.all([newSigner("denys", "old"), newSigner("mallory")]);
  keys = await mkdtemp(join(tmpdir(), "kdock-keys-"));
  await chmod(keys, 0o755);
  await writeFile(join(keys, "denys.asc"), signer.key);
  packed = await packBusybox(`busybox-${VERSION}`);
});
afterAll(async () => {
  for (const each of [mirror, signer, stranger]) await each[Symbol.asyncDispose]();
  await rm(keys, { recursive: true });
});
beforeEach(async () => {
  volume = `kdock-test-${randomUUID().slice(0, 8)}`;
  await docker("volume", "create", "--label", "io.kdock.test=busybox", volume);
  mirror.files.clear();
  mirror.faults.clear();
  mirror.requests.length = 0;
});
afterEach(async () => {
  await docker("volume", "rm", volume);
});

function publish(name: string, by: Signer = signer, content: Buffer = packed): Promise<string> {
  return publishBusybox(mirror, name, { version: VERSION, packed: content }, by);
}

interface Asked {
  readonly mirrors: readonly string[];
  readonly sum?: string;
  readonly resolve?: boolean;
}

async function source({ mirrors, sum, resolve = false }: Asked) {
  const env = {
    KDOCK_MIRRORS: mirrors.map((name) => (name.includes(":") ? name : mirror.at(name))).join(" "),
    KDOCK_MIRROR: mirror.down,
    KDOCK_PATIENCE: "2",
    ...(sum !== undefined && { KDOCK_SHA256: sum }),
  };
  const { exitCode, all } = await execa(
    "docker",
    [
      ...["run", "--rm", "--cap-drop=ALL", "--add-host", "busybox.net:127.0.0.1"],
      ...["-v", `${volume}:/src`, "-v", `${keys}:/in/keys:ro`, "--label", "io.kdock.test=busybox"],
      ...Object.entries(env).flatMap(([name, value]) => ["-e", `${name}=${value}`]),
      ...[image, "sh", "/usr/local/lib/kdock/source.sh", ...(resolve ? ["--resolve"] : []), SPEC],
    ],
    { reject: false, all: true },
  );
  return { exitCode, text: all };
}

/** What a shell in the volume says. */
function inVolume(script: string): Promise<string> {
  return docker("run", "--rm", "-v", `${volume}:/src`, "--entrypoint", "sh", image, "-c", script);
}

const FILES = "cd /src && find . -type f";

describe("a version whose sum nobody knows", () => {
  it("is fetched when a known key, also an old one, has signed it, and not fetched again", async () => {
    await publish("good");
    const { exitCode, text } = await source({ mirrors: ["good"] });
    expect(text).toContain(`signed by a key of busybox.keys (${signer.fingerprint})`);
    expect(exitCode).toBe(0);
    const facts = await inVolume("cat /src/.kdock-source");
    expect(facts).toContain(`sha256 ${sha256(packed)}`);
    expect(facts).toContain(`signed-by pgp:${signer.fingerprint}`);
    expect((await inVolume(FILES)).split("\n").sort()).toEqual([
      "./.kdock-source",
      "./Makefile",
      "./noise",
    ]);
    mirror.requests.length = 0;
    expect((await source({ mirrors: ["good"] })).text).toContain("already there");
    expect(mirror.requests).toEqual([]);
  });

  it("is resolved to sum and signer; then the sum decides, and what was downloaded will do", async () => {
    await publish("good");
    const sum = sha256(packed);
    const line = `@kdock source busybox ${VERSION} ${sum} pgp:${signer.fingerprint}`;
    expect((await source({ mirrors: ["good"], resolve: true })).text).toContain(line);
    mirror.requests.length = 0;
    expect((await source({ mirrors: ["good"], sum })).exitCode).toBe(0);
    expect(mirror.requests).toEqual([]);
    expect(await inVolume("cat /src/.kdock-source")).toContain(`pgp:${signer.fingerprint}`);
    // Asked again, it costs no download.
    expect((await source({ mirrors: ["good"], resolve: true })).text).toContain(line);
    expect(mirror.requests).toEqual([]);
  });

  it("is not taken from a stranger: the fingerprint and the cure are named", async () => {
    await publish("bad", stranger);
    const { exitCode, text } = await source({ mirrors: ["bad"], resolve: true });
    expect(text).toContain(`unknown key: ${stranger.fingerprint}`);
    expect(text).toMatch(/name its file\n +in busybox\.keys/);
    expect(exitCode).toBe(64);
    expect(await inVolume(FILES)).toBe("");
  });

  it("is refused when the signature is of something else, and asked of the next mirror", async () => {
    const path = await publish("bad");
    mirror.files.set(path, await packBusybox(`busybox-${VERSION}`));
    const { exitCode, text } = await source({ mirrors: ["bad"] });
    expect(text).toMatch(/does not match its signature[^]*bad\/busybox-1\.99\.0\.tar\.bz2: the/);
    expect(exitCode).toBe(1);
    expect(await inVolume(FILES)).toBe("");
    await publish("good");
    expect((await source({ mirrors: ["bad", "good"] })).exitCode).toBe(0);
  });

  it("is refused when it is another version, rightly signed and renamed", async () => {
    await publish("bad", signer, await packBusybox("busybox-1.98.0"));
    const { exitCode, text } = await source({ mirrors: ["bad"] });
    expect(text).toContain(`${FILE} holds busybox-1.98.0`);
    expect(exitCode).toBe(1);
    expect(await inVolume(FILES)).toBe("");
  });

  it("without a signature wants its sum in kdock.yaml, with which it is taken", async () => {
    const path = await publish("bare");
    mirror.files.delete(`${path}.sig`);
    const { exitCode, text } = await source({ mirrors: ["bare"], resolve: true });
    expect(text).toMatch(/no mirror has the signature busybox-1\.99\.0\.tar\.bz2\.sig/);
    expect(text).toContain(`set busybox.sha256 to the published sha256 of ${FILE}`);
    expect(exitCode).toBe(64);
    const sum = sha256(packed);
    const known = await source({ mirrors: ["bare"], sum, resolve: true });
    expect(known.text).toContain(`@kdock source busybox ${VERSION} ${sum} pinned:kdock.yaml`);
    expect((await source({ mirrors: ["bare"], sum })).exitCode).toBe(0);
  });
});

describe("mirrors", () => {
  it("that are down, lack the file or break off are named, and the next is asked", async () => {
    const broken = await publish("broken");
    await publish("good");
    mirror.faults.set(broken, [{ cutAfter: 100_000 }]);
    const mirrors = [mirror.down, "empty", "broken", "good"];
    const { exitCode, text } = await source({ mirrors });
    expect(text).toContain(`continuing ${FILE} at 97 KiB`);
    expect(exitCode).toBe(0);
  });

  it("none of which answers is exit code 69, and names each", async () => {
    const { exitCode, text } = await source({ mirrors: [mirror.down], resolve: true });
    expect(text).toMatch(/could not be fetched\n.*\n.*down\/busybox[^]*busybox\.net[^]*Debian/);
    expect(text).toContain("busybox.mirrors");
    expect(exitCode).toBe(69);
  });

  it("none of which has the version is exit code 64", async () => {
    const { exitCode, text } = await source({ mirrors: ["empty"], resolve: true });
    expect(text).toContain(`no source that answers has busybox ${VERSION}`);
    expect(exitCode).toBe(64);
  });
});

it("a tarball that is not the known one is refused with both sums, however it is signed", async () => {
  await publish("good");
  const sum = "0".repeat(64);
  const { exitCode, text } = await source({ mirrors: ["good"], sum });
  expect(text).toMatch(new RegExp(`expected sha256 ${sum}\\n +actual +sha256 ${sha256(packed)}`));
  expect(exitCode).toBe(1);
  expect(await inVolume(FILES)).toBe("");
});

it("kdock's key is that of the maintainer whom it names", async () => {
  const script = await readFile("images/busybox/source.sh", "utf8");
  const named = [...script.matchAll(/^ +([0-9A-F]{40})\) echo/gm)].map(([, key]) => key);
  const listed = await execa("gpg", [
    ...["--batch", "--show-keys", "--with-colons", "images/busybox/keys/denys-vlasenko.asc"],
  ]);
  expect([/^fpr:+([0-9A-F]{40}):/m.exec(listed.stdout)?.[1]]).toEqual(named);
});
