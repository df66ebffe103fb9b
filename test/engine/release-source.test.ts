import { randomUUID } from "node:crypto";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { sha256 } from "../../src/core/plan/keys.js";
import { builderImage } from "../support/builder-image.js";
import { docker } from "../support/kdock.js";
import { type Mirror, openMirror } from "../support/mirror.js";
import { packRelease, publish as publishRelease, type Release } from "../support/release.js";
import { newSigner, type Signer } from "../support/signer.js";

/** images/kernel/source-release.sh in the real builder, against a mirror on this machine and keys of its own. */
const releases = new Map<string, Release>();
let image: string;
let mirror: Mirror;
let signer: Signer;
let stranger: Signer;
let volume: string;
let keys: string;

beforeAll(async () => {
  image = await builderImage();
  mirror = await openMirror(image);
  [signer, stranger] = await Promise.all([newSigner("greg"), newSigner("mallory")]);
  keys = await mkdtemp(join(tmpdir(), "kdock-keys-"));
  await chmod(keys, 0o755);
  await writeFile(join(keys, "greg.asc"), signer.key);
  for (const version of ["6.11.4", "6.12", "6.12.8", "6.12.9", "6.12.10"]) {
    releases.set(version, await packRelease(version));
  }
});
afterAll(async () => {
  await mirror[Symbol.asyncDispose]();
  await signer[Symbol.asyncDispose]();
  await stranger[Symbol.asyncDispose]();
  await rm(keys, { recursive: true });
});
beforeEach(async () => {
  volume = `kdock-test-${randomUUID().slice(0, 8)}`;
  await docker("volume", "create", "--label", "io.kdock.test=release", volume);
  mirror.files.clear();
  mirror.faults.clear();
  mirror.requests.length = 0;
});
afterEach(async () => {
  await docker("volume", "rm", volume);
});

function packed(version: string): Buffer {
  return releases.get(version)?.packed ?? Buffer.alloc(0);
}

/** A signed release on a mirror. */
async function publish(name: string, version: string, by: Signer = signer): Promise<string> {
  const release = releases.get(version);
  if (release === undefined) throw new Error(`no ${version} was packed`);
  return publishRelease(mirror, name, release, by);
}

interface Asked {
  readonly mirrors: readonly string[];
  readonly lock?: { readonly version: string; readonly sha256: string };
  readonly resolve?: boolean;
  /** Seconds. */
  readonly patience?: number;
}

function command(spec: string, { mirrors, lock, resolve = false, patience = 2 }: Asked): string[] {
  const env = {
    KDOCK_MIRRORS: mirrors.map((name) => (name.includes(":") ? name : mirror.at(name))).join(" "),
    KDOCK_PATIENCE: String(patience),
    ...(lock && { KDOCK_SOURCE_VERSION: lock.version, KDOCK_SOURCE_SHA256: lock.sha256 }),
  };
  return [
    ...["run", "--rm", "--cap-drop=ALL", "-v", `${volume}:/src`, "-v", `${keys}:/in/keys:ro`],
    ...Object.entries(env).flatMap(([name, value]) => ["-e", `${name}=${value}`]),
    ...["--label", "io.kdock.test=release", image, "sh", "/usr/local/lib/kdock/source.sh"],
    ...(resolve ? ["--resolve", spec] : [spec]),
  ];
}

async function source(spec: string, asked: Asked) {
  const { exitCode, all } = await execa("docker", command(spec, asked), {
    reject: false,
    all: true,
  });
  return { exitCode, text: all };
}

/** What a shell in the volume says. */
function inVolume(script: string): Promise<string> {
  return docker("run", "--rm", "-v", `${volume}:/src`, "--entrypoint", "sh", image, "-c", script);
}

/** Everything below /src but the tree and its marker. */
const LEFT = "cd /src && find . -mindepth 1 ! -name Makefile ! -name noise ! -name .kdock-source";

describe("a release", () => {
  it("is fetched, its signer named, and not fetched again", async () => {
    await publish("good", "6.12.9");
    const { exitCode, text } = await source("release:6.12.9", { mirrors: ["good"] });
    expect(text).toContain(`signed by a key of kernel.keys (${signer.fingerprint})`);
    expect(exitCode).toBe(0);
    const facts = await inVolume("cat /src/.kdock-source");
    expect(facts).toMatch(/^spec release:6\.12\.9\norigin linux-6\.12\.9\nversion 6\.12\.9$/m);
    expect(facts).toContain(`sha256 ${sha256(packed("6.12.9"))}`);
    expect(facts).toContain(`signed-by pgp:${signer.fingerprint}`);
    expect(await inVolume(LEFT)).toBe("");
    const before = mirror.requests.length;
    expect((await source("release:6.12.9", { mirrors: ["good"] })).text).toContain("already there");
    expect(mirror.requests).toHaveLength(before);
  });

  it("of a line is the newest, which a lock then holds", async () => {
    for (const version of ["6.11.4", "6.12", "6.12.8", "6.12.9"]) await publish("good", version);
    const asked = { mirrors: ["good"], resolve: true };
    const found = await source("release:6.12", asked);
    const sum = sha256(packed("6.12.9"));
    const line = `@kdock source kernel release 6.12.9 ${sum} pgp:${signer.fingerprint}`;
    expect(found.text).toContain(line);
    // The download is not thrown away.
    const lock = { version: "6.12.9", sha256: sum };
    mirror.requests.length = 0;
    expect((await source("release:6.12", { mirrors: ["good"], lock })).exitCode).toBe(0);
    expect(mirror.requests).toEqual([]);
    expect(await inVolume("cat /src/.kdock-source")).toContain(
      `signed-by pgp:${signer.fingerprint}`,
    );
    // A newer one changes nothing until somebody asks for it.
    await publish("good", "6.12.10");
    mirror.files.set("good/v6.x/sha256sums.asc", Buffer.from("0  linux-6.12.10.tar.xz\n"));
    expect((await source("release:6.12", { mirrors: ["good"], lock })).text).toContain(
      "already there",
    );
    expect((await source("release:6.12", asked)).text).toContain("kernel release 6.12.10 ");
  });

  it("that is not there is refused, with the nearest that are", async () => {
    for (const version of ["6.11.4", "6.12.8", "6.12.9"]) await publish("good", version);
    const point = await source("release:6.12.7", { mirrors: ["good"] });
    expect(point.text).toMatch(
      /there is no release of Linux 6\.12\.7 on .*\n.*nearest.*\n +release:6\.12\.8\n +release:6\.12\.9\n/,
    );
    expect(point.exitCode).toBe(64);
    const line = await source("release:6.13", { mirrors: ["good"] });
    expect(line.text).toMatch(/release:6\.11\.4\n +release:6\.12\.9\n/);
    const series = await source("release:9.1", { mirrors: ["good"] });
    expect(series.text).toMatch(/no release of Linux 9\.1 .*[^]* +release:6\.12\.9\n/);
    expect(series.exitCode).toBe(64);
    const candidate = await source("release:6.13-rc2", { mirrors: ["good"] });
    expect(candidate.text).toMatch(/git:https:\/\/git\.kernel\.org\/\S+#v6\.13-rc2/);
    expect(await inVolume(LEFT)).toBe("./.download\n".trim());
  });
});

describe("a signature", () => {
  it("by a stranger is refused with the fingerprint and the cure", async () => {
    await publish("bad", "6.12.9", stranger);
    const { exitCode, text } = await source("release:6.12.9", { mirrors: ["bad"] });
    expect(text).toContain(`unknown key: ${stranger.fingerprint}`);
    expect(text).toMatch(/name its file\n +in kernel\.keys/);
    expect(exitCode).toBe(64);
    expect(await inVolume(`${LEFT} -type f`)).toBe("");
  });

  it("of something else is refused, and the next mirror asked", async () => {
    const path = await publish("bad", "6.12.9");
    mirror.files.set(path, packed("6.12.8"));
    const { exitCode, text } = await source("release:6.12.9", { mirrors: ["bad"] });
    expect(text).toMatch(
      /does not match its signature[^]*bad\/v6\.x\/linux-6\.12\.9\.tar\.xz: the signature/,
    );
    expect(exitCode).toBe(1);
    expect(await inVolume(`${LEFT} -type f`)).toBe("");
    await publish("good", "6.12.9");
    expect((await source("release:6.12.9", { mirrors: ["bad", "good"] })).exitCode).toBe(0);
  });

  it("that is missing is asked of the other mirrors", async () => {
    const path = await publish("bare", "6.12.9");
    mirror.files.delete(path.replace(/\.xz$/, ".sign"));
    const { exitCode, text } = await source("release:6.12.9", { mirrors: ["bare"] });
    expect(text).toMatch(/without the signature linux-6\.12\.9\.tar\.sign/);
    expect(exitCode).toBe(1);
    await publish("good", "6.12.9");
    expect((await source("release:6.12.9", { mirrors: ["bare", "good"] })).exitCode).toBe(0);
  });
});

describe("mirrors", () => {
  it("that are down, lack the file, break off or hang are named, and the next is asked", async () => {
    const broken = await publish("broken", "6.12.9");
    const hanging = await publish("hanging", "6.12.9");
    await publish("good", "6.12.9");
    mirror.faults.set(broken, [{ cutAfter: 1_000_000 }]);
    // Here the download goes on where the other mirror broke off, and stops again.
    mirror.faults.set(hanging, [{ hangAfter: 0 }]);
    const mirrors = [mirror.down, "empty", "broken", "hanging", "good"];
    const { exitCode, text } = await source("release:6.12.9", { mirrors });
    expect(exitCode).toBe(0);
    expect(text).toContain("continuing linux-6.12.9.tar.xz at 976 KiB");
    expect(mirror.requests.at(-1)).toMatch(
      /^GET good\/v6\.x\/linux-6\.12\.9\.tar\.xz bytes=\d{6,}-$/,
    );
    expect(text).toMatch(/@kdock bytes \d+ 3\d{6}/);
  });

  it("that redirect are followed", async () => {
    const path = await publish("good", "6.12.9");
    for (const each of [path, path.replace(/\.xz$/, ".sign")]) {
      const moved = each.replace("good/", "moved/");
      mirror.faults.set(moved, [{ redirect: mirror.at(each) }]);
    }
    expect((await source("release:6.12.9", { mirrors: ["moved"] })).exitCode).toBe(0);
  });

  it("none of which answers is exit code 69, and names each", async () => {
    mirror.faults.set("ill/v6.x/linux-6.12.9.tar.sign", [{ status: 503 }]);
    const { exitCode, text } = await source("release:6.12.9", { mirrors: [mirror.down, "ill"] });
    expect(text).toMatch(
      /no mirror could give Linux 6\.12\.9:\n.*down\/v6\.x.*\n.*ill\/v6\.x.*503/,
    );
    expect(exitCode).toBe(69);
  });
});

describe("a download that was cut short", () => {
  it("is continued in the next run", async () => {
    const path = await publish("good", "6.12.9");
    mirror.faults.set(path, [{ cutAfter: 2_000_000 }]);
    expect((await source("release:6.12.9", { mirrors: ["good"] })).exitCode).toBe(69);
    const { exitCode } = await source("release:6.12.9", { mirrors: ["good"] });
    expect(mirror.requests.at(-1)).toBe(`GET ${path} bytes=2000000-`);
    expect(exitCode).toBe(0);
  });

  it("and whose rest does not fit is fetched anew, once", async () => {
    const path = await publish("good", "6.12.9");
    await inVolume(
      "mkdir /src/.download && head -c 5000 /dev/zero > /src/.download/linux-6.12.9.tar.xz.part",
    );
    const { exitCode, text } = await source("release:6.12.9", { mirrors: ["good"] });
    expect(text).toContain("once more from the beginning");
    expect(mirror.requests.filter((line) => line.startsWith(`GET ${path}`))).toEqual([
      `GET ${path} bytes=5000-`,
      `GET ${path}`,
    ]);
    expect(exitCode).toBe(0);
  });

  it("by an interrupt leaves the old tree as it was", async () => {
    await publish("good", "6.12.8");
    const path = await publish("good", "6.12.9");
    expect((await source("release:6.12.8", { mirrors: ["good"] })).exitCode).toBe(0);
    mirror.faults.set(path, [{ hangAfter: 1_500_000 }]);
    const name = `${volume}-killed`;
    const [, ...rest] = command("release:6.12.9", { mirrors: ["good"], patience: 60 });
    const running = execa("docker", ["run", "--name", name, ...rest], { reject: false, all: true });
    await expect.poll(() => mirror.requests, { timeout: 20_000 }).toContain(`GET ${path}`);
    await docker("kill", name);
    await running;
    expect(await inVolume("sed -n 's/^version //p' /src/.kdock-source; ls /src")).toBe(
      "6.12.8\nMakefile\nnoise",
    );
    expect((await source("release:6.12.9", { mirrors: ["good"] })).exitCode).toBe(0);
    expect(await inVolume(LEFT)).toBe("");
  });
});

it("a tarball that is not the locked one is exit code 65, with both sums, and is not kept", async () => {
  const path = await publish("good", "6.12.9");
  mirror.files.set(path, packed("6.12.8"));
  const lock = { version: "6.12.9", sha256: sha256(packed("6.12.9")) };
  const { exitCode, text } = await source("release:6.12", { mirrors: ["good"], lock });
  expect(text).toContain(`its sha256 is ${sha256(packed("6.12.8"))}, not ${lock.sha256}`);
  expect(exitCode).toBe(65);
  expect(await inVolume(`${LEFT} -type f`)).toBe("");
});

it("kdock's keys are those of the people that it names", async () => {
  const script = await readFile("images/kernel/source-release.sh", "utf8");
  const named = [...script.matchAll(/^ +([0-9A-F]{40})\) echo/gm)].map(([, key]) => key);
  const listed = await execa("gpg", [
    ...["--batch", "--show-keys", "--with-colons"],
    ...["greg-kroah-hartman", "linus-torvalds", "sasha-levin", "ben-hutchings"].map(
      (name) => `images/kernel/keys/release/${name}.asc`,
    ),
  ]);
  const primary = [...listed.stdout.matchAll(/^pub:.*\n(?:fpr:+)([0-9A-F]{40}):/gm)].map(
    ([, key]) => key,
  );
  expect(primary.sort()).toEqual(named.sort());
});
