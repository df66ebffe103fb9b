import { describe, expect, it } from "vitest";
import { EMPTY_LOCK, type Lock } from "../../../../src/build/lock/lock.js";
import type { ManifestFile } from "../../../../src/core/plan/manifest.js";
import { sbomOf, type SbomRequest } from "../../../../src/repro/plan/sbom.js";

const SHA = {
  linux: "1".repeat(64),
  busybox: "2".repeat(64),
  bzImage: "3".repeat(64),
  module: "4".repeat(64),
  program: "5".repeat(64),
  agent: "6".repeat(64),
  cpio: "7".repeat(64),
};

const LOCK: Lock = {
  ...EMPTY_LOCK,
  kdock: "0.1.0",
  bases: {
    trixie: {
      from: "bootstrap",
      digest: "0".repeat(64),
      time: "20261101T000000Z",
      packages: { bash: "5.2-1", libc6: "2.41-12" },
    },
  },
  images: {
    "kernel gcc-14": {
      base: "trixie",
      time: "20261102T000000Z",
      packages: { "gcc-14": "14.2.0-19", libc6: "2.41-13" },
    },
    busybox: {
      base: "trixie",
      time: "20261103T000000Z",
      packages: { "musl-dev": "1.2.5-3.1~deb13u1", "linux-libc-dev": "6.12.1-1" },
    },
    vm: { base: "trixie", time: "20261109T000000Z", packages: { "qemu-system-x86": "1:10.0-1" } },
  },
  sources: {
    "kernel debian:6.12": {
      ...{ package: "linux-source-6.12", suite: "trixie", version: "6.12.117-1" },
      ...{ sha256: SHA.linux, time: "20261104T000000Z", signedBy: `debian:${"A".repeat(40)}` },
    },
    "busybox release:1.37.0": {
      ...{ version: "1.37.0", sha256: SHA.busybox },
      ...{ time: "20261103T000000Z", signedBy: "pinned:kdock" },
    },
  },
};

function file(path: string, sha256: string): ManifestFile {
  return { path, kind: "file", size: 1, sha256, target: "" };
}

const REQUEST: SbomRequest = {
  lock: LOCK,
  setKey: "0123456789abcdef",
  suiteByPackage: { "python3-kconfiglib": "trixie" },
  kdockVersion: "0.2.0",
  manifests: {
    kernel: {
      ...{ stage: "kernel", key: "1111111111111111", resolved: { release: "6.12.117" } },
      inputs: {
        source: "debian:6.12",
        toolchain: "gcc-14",
        "source digest": SHA.linux,
        patches: "fix.patch",
        "patch fix.patch": SHA.module,
        "fragment my.config": SHA.cpio,
      },
      files: [
        file("bzImage", SHA.bzImage),
        file("modules/lib/modules/6.12.117/a.ko", SHA.module),
        file("scripts/gdb/linux/cpus.py", SHA.module),
      ],
    },
    busybox: {
      ...{ stage: "busybox", key: "2222222222222222", resolved: {} },
      inputs: { source: "release:1.37.0", "source digest": SHA.busybox },
      files: [
        file("busybox", SHA.program),
        file("install/bin/busybox", SHA.program),
        { path: "install/bin/sh", kind: "symlink", size: 0, sha256: "", target: "busybox" },
        file("kdock-agent", SHA.agent),
      ],
    },
    rootfs: {
      ...{ stage: "rootfs", key: "3333333333333333", resolved: {} },
      inputs: { busybox: "2222222222222222", "overlay etc/motd": SHA.program },
      files: [file("rootfs.cpio", SHA.cpio)],
    },
  },
};

interface Component {
  readonly type: string;
  readonly name: string;
  readonly version?: string;
  readonly purl?: string;
  readonly scope?: string;
  readonly "bom-ref": string;
  readonly hashes?: readonly { alg: string; content: string }[];
  readonly licenses?: readonly { license: { id: string } }[];
  readonly properties?: readonly { name: string; value: string }[];
}

interface Bill {
  readonly bomFormat: string;
  readonly specVersion: string;
  readonly serialNumber: string;
  readonly version: number;
  readonly metadata: {
    readonly timestamp: string;
    readonly component: Component;
    readonly tools: { readonly components: readonly Component[] };
  };
  readonly components: readonly Component[];
  readonly dependencies: readonly { ref: string; dependsOn?: readonly string[] }[];
}

function bill(change: Partial<SbomRequest> = {}): Bill {
  return JSON.parse(sbomOf({ ...REQUEST, ...change })) as Bill;
}

function named(name: string, from = bill()): Component {
  const [found, ...others] = from.components.filter((component) => component.name === name);
  if (found === undefined || others.length > 0) throw new Error(`not exactly one ${name}`);
  return found;
}

/** The same entries in reverse order. */
function reversed<T>(map: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(map).reverse());
}

describe("sbomOf", () => {
  it("matches the schema", () => {
    const { bomFormat, specVersion, serialNumber, version, components } = bill();
    expect({ bomFormat, specVersion, version }).toEqual({
      ...{ bomFormat: "CycloneDX", specVersion: "1.6", version: 1 },
    });
    expect(serialNumber).toMatch(
      /^urn:uuid:[\da-f]{8}-[\da-f]{4}-5[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/,
    );
    const refs = components.map((component) => component["bom-ref"]);
    expect(new Set(refs).size).toBe(refs.length);
    expect(refs).toEqual([...refs].sort());
  });

  it("is independent of the order of the lock's entries", () => {
    const lock = { ...LOCK, images: reversed(LOCK.images), sources: reversed(LOCK.sources) };
    const { busybox, ...others } = REQUEST.manifests;
    expect(sbomOf({ ...REQUEST, lock, manifests: { busybox, ...others } })).toBe(sbomOf(REQUEST));
    expect(sbomOf(REQUEST)).toBe(sbomOf(structuredClone(REQUEST)));
  });

  it("has another serial number if the content differs", () => {
    expect(bill({ setKey: "fedcba9876543210" }).serialNumber).not.toBe(bill().serialNumber);
    expect(bill({ kdockVersion: "0.3.0" }).serialNumber).not.toBe(bill().serialNumber);
  });

  it("names the suite that a package was taken from", () => {
    const packages = {
      ...LOCK.images["kernel gcc-14"]?.packages,
      "python3-kconfiglib": "14.1.0-4",
    };
    const trixie = LOCK.bases["trixie"];
    if (trixie === undefined) throw new Error("no base");
    const lock: Lock = {
      ...LOCK,
      bases: { ...LOCK.bases, bullseye: trixie },
      images: {
        ...LOCK.images,
        "kernel gcc-14": { base: "bullseye", time: "20261102T000000Z", packages },
      },
    };
    const from = bill({ lock });
    expect(named("python3-kconfiglib", from).purl).toContain("distro=trixie");
    expect(named("gcc-14", from).purl).toContain("distro=bullseye");
  });

  it("has the time of the latest entry of the lock that the set uses", () => {
    expect(bill().metadata.timestamp).toBe("2026-11-04T00:00:00.000Z");
  });

  it("describes the set, named by its key", () => {
    const { component, tools } = bill().metadata;
    expect(component.version).toBe(REQUEST.setKey);
    expect(tools.components.map(({ name, version }) => `${name} ${version ?? ""}`)).toEqual([
      "kdock 0.2.0",
    ]);
    expect(named("kdock").version).toBe("0.1.0");
  });

  it("has the sources with checksums and licences", () => {
    expect(named("linux-source-6.12")).toMatchObject({
      version: "6.12.117-1",
      purl: "pkg:deb/debian/linux-source-6.12@6.12.117-1?arch=all&distro=trixie",
      hashes: [{ alg: "SHA-256", content: SHA.linux }],
      licenses: [{ license: { id: "GPL-2.0-only" } }],
    });
    const busybox = bill().components.find(({ purl }) => purl === "pkg:generic/busybox@1.37.0");
    expect(busybox).toMatchObject({
      hashes: [{ alg: "SHA-256", content: SHA.busybox }],
      licenses: [{ license: { id: "GPL-2.0-only" } }],
    });
  });

  it.each([
    ["gcc-14", "excluded", "application", "kernel gcc-14"],
    ["bash", "excluded", "application", "busybox, kernel gcc-14"],
    ["musl-dev", "required", "library", "busybox"],
    ["linux-libc-dev", "required", "library", "busybox"],
  ])("has the package %s as %s", (name, scope, type, images) => {
    expect(named(name)).toMatchObject({
      ...{ scope, type },
      properties: [{ name: "kdock:images", value: images }],
    });
  });

  it("has a package that an image upgrades in both versions, each with its image", () => {
    const purls = bill().components.filter(({ name }) => name === "libc6");
    expect(purls.map(({ version, properties }) => [version, properties?.[0]?.value])).toEqual([
      ["2.41-12", "busybox"],
      ["2.41-13", "kernel gcc-14"],
    ]);
  });

  it("lists a package of another architecture without the suffix, as required", () => {
    const packages = { "musl-dev:amd64": "1.2.5-3.1" };
    const busybox = { base: "trixie" as const, time: "20261103T000000Z", packages };
    const lock = { ...LOCK, images: { ...LOCK.images, busybox } };
    const musl = bill({ lock }).components.find(({ name }) => name === "musl-dev");
    expect(musl).toMatchObject({
      scope: "required",
      purl: "pkg:deb/debian/musl-dev@1.2.5-3.1?arch=amd64&distro=trixie",
    });
  });

  it("omits packages of the VM's image", () => {
    expect(bill().components.map(({ name }) => name)).not.toContain("qemu-system-x86");
  });

  it("has the artifacts as files with checksums, and no other files", () => {
    const all = bill().components.filter(({ type }) => type === "file");
    const files = all.filter((c) => !c["bom-ref"].startsWith("project/"));
    expect(files.map((c) => [c["bom-ref"], c.hashes?.[0]?.content])).toEqual([
      ["busybox/busybox", SHA.program],
      ["busybox/kdock-agent", SHA.agent],
      ["kernel/bzImage", SHA.bzImage],
      ["kernel/modules/lib/modules/6.12.117/a.ko", SHA.module],
      ["rootfs/rootfs.cpio", SHA.cpio],
    ]);
  });

  it("has the project's files, with checksums if known", () => {
    expect(named("patch fix.patch")).toMatchObject({
      scope: "required",
      hashes: [{ alg: "SHA-256", content: SHA.module }],
    });
    expect(named("fragment my.config").scope).toBe("excluded");
    const overlay = named("overlay etc/motd");
    expect(overlay.hashes).toBeUndefined();
    expect(overlay.properties).toEqual([{ name: "kdock:input", value: SHA.program }]);
  });

  it("has the origins of each artifact", () => {
    const on = (ref: string) => bill().dependencies.find((d) => d.ref === ref)?.dependsOn ?? [];
    expect(on("kernel/bzImage")).toEqual([
      named("linux-source-6.12")["bom-ref"],
      "project/kernel/fragment my.config",
      "project/kernel/patch fix.patch",
    ]);
    expect(on("busybox/busybox")).toContain(named("musl-dev")["bom-ref"]);
    expect([...on("rootfs/rootfs.cpio")].sort()).toEqual([
      "busybox/busybox",
      "busybox/kdock-agent",
      "kdock",
      "project/rootfs/overlay etc/motd",
    ]);
    expect(on(`set/${REQUEST.setKey}`)).toHaveLength(5);
  });

  it.each([
    ["without the source", { ...LOCK, sources: {} }],
    ["without the image", { ...LOCK, images: {} }],
    [
      "with another version of the source",
      {
        ...LOCK,
        sources: {
          ...LOCK.sources,
          "kernel debian:6.12": {
            ...{ version: "6.12.120-1", sha256: SHA.cpio },
            ...{ time: "20261104T000000Z", signedBy: `debian:${"A".repeat(40)}` },
          },
        },
      },
    ],
  ])("rejects a lock %s", (_name, lock) => {
    expect(() => sbomOf({ ...REQUEST, lock })).toThrow(/not built from kdock\.lock as it is/);
  });
});
