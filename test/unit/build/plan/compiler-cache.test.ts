import { describe, expect, it } from "vitest";
import { Secret } from "../../../../src/core/secret.js";
import { isTainted } from "../../../../src/build/plan/compiler-cache.js";
import { moduleContainer } from "../../../../src/build/plan/module-plan.js";
import {
  INSIDE,
  LABEL,
  projectNames,
  VERIFIED_CCACHE_VOLUME,
} from "../../../../src/core/plan/names.js";
import type { UserFiles } from "../../../../src/build/plan/user-files.js";
import { plan } from "../../fixtures.js";

const names = projectNames("/home/ada/lab");

function cacheOf(yaml = "", user: Partial<UserFiles> = {}) {
  const { kernel } = plan(yaml, { user });
  const volume = kernel.container.mounts.find(({ target }) => target === INSIDE.ccache)?.volume;
  return { volume, labels: kernel.volumes[volume ?? ""] };
}

const SHARED = {
  volume: VERIFIED_CCACHE_VOLUME,
  labels: { [LABEL.role]: "ccache" },
};
const OWN = {
  volume: names.ccacheVolume,
  labels: { [LABEL.role]: "ccache", [LABEL.project]: names.id },
};

const fragment = (text: string): Partial<UserFiles> => ({
  kernelFragments: [{ name: "a.config", text }],
});
const tree = { folder: "/src", version: "6.12.3", transport: "mount" } as const;

describe("the compiler cache of a kernel's build", () => {
  it.each<[string, string, Partial<UserFiles>?]>([
    ["the default source", ""],
    ["another kernel of Debian", "kernel: { source: 'debian:6.1' }"],
    ["another preset", "kernel: { preset: tiny }"],
    ["another compiler and architecture", "kernel: { toolchain: clang-19, arch: arm64 }"],
    ["files compiled for stepping", "kernel: { deoptimize: [net/ipv4/tcp_ipv4.c] }"],
    ["options that are y, m, n or a number", "kernel: { set: { NET: y, HZ: 1000, X: 0x10 } }"],
    ["such options in fragments", "", fragment("CONFIG_A=m\r\n# CONFIG_B is not set\n# why\n")],
    ["bootstrapped images", "images: { registry: none }"],
    ["images of another registry that is not used", "images: { registry: x.y/z, base: bootstrap }"],
    ["an overlay, which the kernel's build does not use", "rootfs: { overlay: ./o }"],
    [
      "a key for modules, which is not executed",
      "",
      { moduleKey: { pem: new Secret(Buffer.from("PEM")), digest: "0".repeat(64) } },
    ],
  ])("is the shared one with %s", (_what, yaml, user) => {
    expect(cacheOf(yaml, user)).toEqual(SHARED);
  });

  it.each<[string, string, Partial<UserFiles>?]>([
    ["a release with a locked digest", "kernel: { source: 'release:6.12.3' }"],
    ["a repository", "kernel: { source: 'git:https://git.example/linux#main' }"],
    ["a tree", "kernel: { source: 'path:../linux' }", { tree }],
    ["patches", "", { kernelPatches: [{ name: "a.patch", text: "x" }] }],
    ["a key for the source's signature", "", { kernelKeys: [{ name: "a.asc", text: "x" }] }],
    [
      "a configuration with string values",
      "kernel: { preset: 'file:c' }",
      { kernelPreset: 'CONFIG_A="b"' },
    ],
    ["any configuration file", "kernel: { preset: 'file:c' }", { kernelPreset: "CONFIG_A=y" }],
    ["a command in an option", "kernel: { set: { LOCALVERSION: '$(shell touch /ccache/x)' } }"],
    ["a string in a fragment", "", fragment('CONFIG_CMDLINE="`id`"\n')],
    [
      "a string after a line end in a name",
      "",
      {
        kernelFragments: [{ name: 'a\nCONFIG_A="$(shell id)"', text: "CONFIG_B=y" }],
      },
    ],
    ["files in an initramfs", "", { initramfs: [{ path: "list", entries: [] }] }],
    ["images of another registry", "images: { registry: registry.example/mine }"],
  ])("is the project's own with %s", (_what, yaml, user) => {
    expect(cacheOf(yaml, user)).toEqual(OWN);
  });

  it("is not available to out-of-tree modules", () => {
    for (const yaml of ["", "kernel: { source: 'git:https://git.example/linux#main' }"]) {
      const { mounts, env } = moduleContainer(plan(yaml).kernel, names, "hello", "key");
      expect(mounts.filter(({ target }) => target === INSIDE.ccache)).toEqual([]);
      expect(env["KDOCK_CCACHE"]).toBe("0");
    }
  });

  it("does not affect the key", () => {
    expect(plan("images: { registry: none }").kernel.inputs).not.toHaveProperty("ccache");
    const inputs = Object.keys(plan().kernel.inputs);
    expect(inputs.filter((name) => /cache|code/.test(name))).toEqual([]);
  });
});

describe("source and objects of verified code", () => {
  const { volumes } = plan().kernel;
  const made = Object.entries(volumes).map(([name, labels]) => ({ name, labels }));
  const [source] = made;

  it("may use the shared cache if the volumes are new, or created by verified builds", () => {
    expect(isTainted(volumes, [], names)).toBe(false);
    expect(isTainted(volumes, made, names)).toBe(false);
    expect(isTainted(volumes, [{ name: "kdock-other", labels: {} }], names)).toBe(false);
  });

  it("may not after unverified code has run, or if an older kdock created a volume", () => {
    expect(isTainted(volumes, [...made, { name: names.ccacheVolume, labels: {} }], names)).toBe(
      true,
    );
    const old = { name: source?.name ?? "", labels: { [LABEL.role]: "source" } };
    expect(isTainted(volumes, [old], names)).toBe(true);
  });
});
