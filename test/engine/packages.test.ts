import { createNodeHost } from "../../src/host/node-host.js";
import { resolve } from "node:path";
import { execa } from "execa";
import { beforeAll, expect, it } from "vitest";
import { loadConfig } from "../../src/config/layers.js";
import type { Architecture } from "../../src/config/config.js";
import { busyboxImageName, lockRequests } from "../../src/build/lock/requests.js";
import { readResolved } from "../../src/build/lock/resolved.js";
import { ARCHITECTURES } from "../../src/core/plan/architectures.js";
import type { Assets } from "../../src/core/plan/assets.js";
import { projectNames } from "../../src/core/plan/names.js";
import { readAssets } from "../../src/app/project.js";
import { resolver } from "../../src/build/steps/resolve-lock.js";
import { baseImage } from "./base-image.js";
import { openLab } from "./lab.js";

let assets: Assets;
let base: string;

beforeAll(async () => {
  assets = await readAssets(createNodeHost({ env: process.env }).files);
  await using lab = await openLab();
  base = await baseImage(lab.engine, "trixie");
});

/**
 * Has apt take the machine for one of another architecture on which nothing is installed. What a package needs is asked of the real
 * archive; nothing is put on.
 */
function pretend(debianArch: string): string {
  return [
    `printf 'APT::Architecture "${debianArch}";\\nAPT::Architectures { "${debianArch}"; "amd64"; };\\nDir::State::status "/tmp/status";\\n' > /etc/apt/apt.conf.d/pretend`,
    ": > /tmp/status",
    `printf '#!/bin/sh\\ncase "$1" in --print-architecture) echo ${debianArch} ;; --add-architecture) ;; *) exec /usr/bin/dpkg "$@" ;; esac\\n' > /usr/local/bin/dpkg`,
    "chmod +x /usr/local/bin/dpkg",
  ].join("\n");
}

const archs = Object.keys(ARCHITECTURES) as Architecture[];

/** An engine on x86_64 has them: every other test builds with them. */
it("an engine on arm64 has packages for every image", async () => {
  const engine = "arm64";
  const configs = archs.map((arch) => loadConfig({ flags: { kernel: { arch } } }));
  const requests = configs.flatMap((config) => lockRequests(config, engine, assets).images);
  const images = [...new Map(requests.map((image) => [image.name, image])).values()];
  const { command } = resolver(
    { config: loadConfig({}), names: projectNames("/x") },
    { ref: base },
    { images, sources: [] },
  );
  const script = `${pretend(ARCHITECTURES[engine].debianArch)}\n${command.at(-1) ?? ""}`;
  const mount = `${resolve("images")}:/in/images:ro`;
  const argv = ["run", "--rm", "-v", mount, base, "sh", "-ec", script];
  const { packages } = readResolved((await execa("docker", argv)).stdout.split("\n"));
  const of = (name: string) => Object.keys(packages.get(name.replaceAll(" ", "-")) ?? {});
  for (const { name, packages: wanted } of images) {
    expect([name, of(name)]).toEqual([name, expect.arrayContaining([...wanted])]);
  }
  for (const arch of archs) expect(of(busyboxImageName(arch))).toContain(libc(arch));
});

/** The same package, to the byte, as on an engine of x86_64. */
function libc(arch: Architecture): string {
  return arch === "x86_64" ? "musl-dev:amd64" : `libc6-dev-${ARCHITECTURES[arch].debianArch}-cross`;
}
