import { createHash } from "node:crypto";
import { ComponentScope, ComponentType, HashAlgorithm } from "@cyclonedx/cyclonedx-library/Enums";
import {
  Bom,
  Component,
  HashDictionary,
  LicenseRepository,
  Property,
  PropertyRepository,
  SpdxLicense,
} from "@cyclonedx/cyclonedx-library/Models";
import { JSON as CycloneJson, JsonSerializer } from "@cyclonedx/cyclonedx-library/Serialize";
import { Spec1dot6 } from "@cyclonedx/cyclonedx-library/Spec";
import { PackageURL } from "packageurl-js";
import { KdockError } from "../../core/errors.js";
import {
  epochOf,
  type Lock,
  type LockedSource,
  sourceDigest,
  sourceName,
} from "../../build/lock/lock.js";
import { busyboxImageName, kernelImageName } from "../../build/lock/requests.js";
import { architectureFrom, ARCHITECTURES } from "../../core/plan/architectures.js";
import type { StageManifest } from "../../core/plan/artifact-diff.js";
import type { ManifestFile } from "../../core/plan/manifest.js";

export interface SbomRequest {
  /** The manifests of the set's stages. */
  readonly manifests: Readonly<Record<"kernel" | "busybox" | "rootfs", StageManifest>>;
  /** The lock that they were built with. */
  readonly lock: Lock;
  readonly setKey: string;
  /** Packages that builders of all suites take from one suite: package → suite. */
  readonly suiteByPackage: Readonly<Record<string, string>>;
  /** The version of kdock that writes the document. */
  readonly kdockVersion: string;
}

const IMAGES = Object.values(ARCHITECTURES).map(({ image }) => image.target);

/** The files of a manifest that are the product; others are for debuggers and for kdock. */
const ARTIFACTS: Readonly<Record<string, RegExp>> = {
  kernel: new RegExp(`^(?:${IMAGES.join("|")}|vmlinux|System\\.map|modules/.+)$`),
  busybox: /^(?:busybox|kdock-agent)$/,
  rootfs: /^rootfs\.cpio$/,
};

/** Packages of busybox's builder that are linked into the guest's static binaries: libc, libgcc and headers. */
const LINKED = /^(?:musl|musl-dev|(?:libc6|linux-libc|libgcc-\d+)-dev(?:-\w+-cross)?)$/;
const LINKING_IMAGE = /^busybox\b/;

/** A fixed random UUID: the namespace of serial numbers. */
const NAMESPACE = "7c0f1f0e-6f0b-4c57-9d0e-0a3f4b1f6d52";

/**
 * The CycloneDX 1.6 bill of materials of an artifact set, as JSON; equal arguments give equal text. Its timestamp is that of the
 * latest entry. Throws a `usage` error if the set was not built with the lock.
 */
export function sbomOf(request: SbomRequest): string {
  const bom = bomOf(request);
  // Derived from the text: documents with different content must have different serial numbers.
  bom.serialNumber = `urn:uuid:${uuidOf(serialize(bom))}`;
  return `${serialize(bom)}\n`;
}

function bomOf({ manifests, lock, setKey, suiteByPackage, kdockVersion }: SbomRequest): Bom {
  const used = usedParts(manifests, lock);
  const packages = packageComponents(used.images, suiteByPackage);
  const kernelSource = sourceComponent(used.kernelSource, "linux", ComponentType.OperatingSystem);
  const busyboxSource = sourceComponent(used.busyboxSource, "busybox", ComponentType.Application);
  const kdock = kdockComponent(lock.kdock === "" ? kdockVersion : lock.kdock, "kdock");
  const linked = packages.filter(({ scope }) => scope === ComponentScope.Required);
  const files = Object.values(manifests).flatMap((manifest) => fileComponents(manifest));
  const project = Object.values(manifests).flatMap((manifest) => projectComponents(manifest));

  const set = new Component(ComponentType.OperatingSystem, "kdock artifact set", {
    bomRef: `set/${setKey}`,
    version: setKey,
    description: `Linux ${manifests.kernel.resolved["release"] ?? used.kernelSource.version} and a busybox ${used.busyboxSource.version} root file system`,
  });
  const depend = (component: Component, on: readonly Component[]) => {
    for (const { bomRef } of [...on].sort(byRef)) component.dependencies.add(bomRef);
  };
  depend(set, files);
  const from = {
    kernelSource,
    busyboxSource,
    kdock,
    linked,
    project,
    programs: files.filter(isGuestProgram),
  };
  for (const file of files) depend(file, origins(file, from));

  const bom = new Bom();
  bom.metadata.component = set;
  bom.metadata.timestamp = new Date(Math.max(...used.times.map(epochOf)) * 1000);
  bom.metadata.tools.components.add(kdockComponent(kdockVersion, "tool/kdock"));
  const components = [kdock, kernelSource, busyboxSource, ...project, ...packages, ...files];
  for (const component of components.sort(byRef)) bom.components.add(component);
  return bom;
}

interface UsedImage {
  readonly name: string;
  readonly suite: string;
  readonly packages: Readonly<Record<string, string>>;
}

/** The entries of the lock that the set was built from; the images of the VM and of gdb are not part of it. */
function usedParts(manifests: SbomRequest["manifests"], lock: Lock) {
  const kernelSource = usedSource(manifests.kernel, lock);
  const busyboxSource = usedSource(manifests.busybox, lock);
  const names = [
    kernelImageName(
      inputOf(manifests.kernel, "toolchain"),
      architectureFrom(manifests.kernel.inputs),
    ),
    busyboxImageName(architectureFrom(manifests.busybox.inputs)),
  ];
  const images = names.map((name) => {
    const image = lock.images[name];
    const base = image === undefined ? undefined : lock.bases[image.base];
    if (image === undefined || base === undefined) throw otherLock(`it has no image ${name}`);
    return { name, suite: image.base, time: image.time, packages: merged(base, image) };
  });
  const times = [kernelSource, busyboxSource, ...images].map(({ time }) => time);
  return { kernelSource, busyboxSource, images, times };
}

/** All packages of an image: those of the base, replaced or extended by the image's. */
function merged(
  base: { readonly packages: Readonly<Record<string, string>> },
  image: { readonly packages: Readonly<Record<string, string>> },
): Readonly<Record<string, string>> {
  return { ...base.packages, ...image.packages };
}

function usedSource(manifest: StageManifest, lock: Lock): LockedSource {
  const asked = inputOf(manifest, "source");
  if (asked.startsWith("path:")) throw unpinned(asked);
  const name = sourceName(manifest.stage, asked);
  const source = lock.sources[name];
  if (source === undefined) throw otherLock(`it has no source ${name}`);
  if (inputOf(manifest, "source digest") !== sourceDigest(source)) {
    throw otherLock(`its ${name} is version ${source.version}`);
  }
  return source;
}

function inputOf(manifest: StageManifest, name: string): string {
  return String(manifest.inputs[name] ?? "");
}

function otherLock(why: string): KdockError {
  return new KdockError(
    "usage",
    `the current artifacts were not built from kdock.lock as it is: ${why}`,
    {
      hint: "Run `kdock build`: it builds only what is out of date.",
    },
  );
}

function unpinned(source: string): KdockError {
  return new KdockError(
    "usage",
    `a bill of materials lists sources that are available to others, and ${source} is a local tree`,
    {
      hint: "Commit the tree and build it as git:URL#REF, or build a release.",
    },
  );
}

function sourceComponent(source: LockedSource, name: string, type: ComponentType): Component {
  const { suite, version } = source;
  const qualifiers = { arch: "all", ...(suite === undefined ? {} : { distro: suite }) };
  const purl =
    source.package === undefined
      ? purlOf("generic", undefined, name, version)
      : purlOf("deb", "debian", source.package, version, qualifiers);
  return new Component(type, source.package ?? name, {
    ...{ bomRef: purl, purl, version, scope: ComponentScope.Required },
    ...(source.sha256 === undefined ? {} : { hashes: sha256Hash(source.sha256) }),
    licenses: licence("GPL-2.0-only"),
    properties: properties({
      ...(source.signedBy === undefined ? {} : { "kdock:signedBy": source.signedBy }),
      ...(source.commit === undefined ? {} : { "kdock:commit": source.commit }),
    }),
  });
}

/** `ref` distinguishes the kdock in the set from the one that writes the document. */
function kdockComponent(version: string, ref: string): Component {
  return new Component(ComponentType.Application, "kdock", {
    ...{ bomRef: ref, version, purl: purlOf("generic", undefined, "kdock", version) },
    ...(ref === "kdock" ? { scope: ComponentScope.Required } : {}),
    licenses: licence("MIT"),
  });
}

/** One component for each package of each suite, with the images that have it. */
function packageComponents(
  images: readonly UsedImage[],
  suiteByPackage: SbomRequest["suiteByPackage"],
): Component[] {
  const found = new Map<string, { component: Component; images: string[] }>();
  for (const { name: image, suite, packages } of images) {
    for (const [entryName, version] of Object.entries(packages)) {
      // "musl-dev:amd64": for another architecture than the engine's.
      const [name = "", arch] = entryName.split(":");
      const purl = purlOf("deb", "debian", name, version, {
        ...(arch === undefined ? {} : { arch }),
        distro: suiteByPackage[name] ?? suite,
      });
      const entry = found.get(purl) ?? {
        component: packageComponent(name, version, purl),
        images: [],
      };
      found.set(purl, entry);
      entry.images.push(image);
      if (LINKING_IMAGE.test(image) && LINKED.test(name)) {
        entry.component.scope = ComponentScope.Required;
      }
    }
  }
  for (const { component, images: names } of found.values()) {
    component.properties = properties({ "kdock:images": names.sort().join(", ") });
  }
  return [...found.values()].map(({ component }) => component);
}

function packageComponent(name: string, version: string, purl: string): Component {
  const isLibrary = /^(?:lib|musl)|-dev$/.test(name);
  return new Component(isLibrary ? ComponentType.Library : ComponentType.Application, name, {
    ...{ bomRef: purl, purl, version, scope: ComponentScope.Excluded },
    ...(name.startsWith("musl") ? { licenses: licence("MIT") } : {}),
  });
}

function fileComponents({ stage, files }: StageManifest): Component[] {
  return files.filter(isArtifact(stage)).map(
    ({ path, sha256 }) =>
      new Component(ComponentType.File, path, {
        ...{ bomRef: `${stage}/${path}`, scope: ComponentScope.Required },
        hashes: sha256Hash(sha256),
        ...fileLicence(stage, path),
      }),
  );
}

function isArtifact(stage: string): (file: ManifestFile) => boolean {
  return ({ kind, path }) => kind === "file" && (ARTIFACTS[stage]?.test(path) ?? false);
}

/** The initramfs is an aggregate without a licence. */
function fileLicence(stage: string, path: string): { licenses?: LicenseRepository } {
  if (stage === "rootfs") return {};
  return { licenses: licence(path === "kdock-agent" ? "MIT" : "GPL-2.0-only") };
}

interface Origins {
  readonly kernelSource: Component;
  readonly busyboxSource: Component;
  readonly kdock: Component;
  readonly linked: readonly Component[];
  readonly project: readonly Component[];
  readonly programs: readonly Component[];
}

/** The components that a file was made from. */
function origins({ bomRef }: Component, from: Origins): readonly Component[] {
  const ref = String(bomRef);
  const [stage = ""] = ref.split("/");
  const project = from.project.filter((part) => refOf(part).startsWith(`project/${stage}/`));
  if (stage === "kernel") return [from.kernelSource, ...project];
  if (ref === "busybox/kdock-agent") return [from.kdock, ...from.linked];
  if (stage === "busybox") return [from.busyboxSource, ...from.linked, ...project];
  return [from.kdock, ...from.programs, ...project];
}

function refOf({ bomRef }: Component): string {
  return String(bomRef);
}

/** Inputs that are files of the project: whether artifacts contain them, and whether the digest is that of the file. */
const PROJECT_FILES = [
  { name: /^patch /, scope: ComponentScope.Required, plain: true },
  { name: /^(?:overlay|initramfs) /, scope: ComponentScope.Required, plain: false },
  { name: /^(?:fragment |preset file$|module key$)/, scope: ComponentScope.Excluded, plain: true },
] as const;

/** Files of the project, by their names in manifests and kdock.lock: "overlay etc/motd". */
function projectComponents({ stage, inputs }: StageManifest): Component[] {
  return Object.entries(inputs).flatMap(([name, digest]) => {
    const rule = PROJECT_FILES.find((candidate) => candidate.name.test(name));
    if (rule === undefined) return [];
    return [
      new Component(ComponentType.File, name, {
        ...{ bomRef: `project/${stage}/${name}`, scope: rule.scope },
        // The digest of an overlay's entry covers kind and mode, too: it is not the file's checksum.
        ...(rule.plain
          ? { hashes: sha256Hash(String(digest)) }
          : { properties: properties({ "kdock:input": String(digest) }) }),
      }),
    ];
  });
}

function isGuestProgram({ bomRef }: Component): boolean {
  return String(bomRef).startsWith("busybox/");
}

function purlOf(
  type: string,
  namespace: string | undefined,
  name: string,
  version: string,
  qualifiers?: Record<string, string>,
): string {
  return new PackageURL(type, namespace, name, version, qualifiers, undefined).toString();
}

function sha256Hash(digest: string): HashDictionary {
  return new HashDictionary([[HashAlgorithm["SHA-256"], digest]]);
}

function licence(id: string): LicenseRepository {
  return new LicenseRepository([new SpdxLicense(id)]);
}

function properties(values: Readonly<Record<string, string>>): PropertyRepository {
  return new PropertyRepository(
    Object.entries(values).map(([name, value]) => new Property(name, value)),
  );
}

function byRef(a: Component, b: Component): number {
  return String(a.bomRef) < String(b.bomRef) ? -1 : 1;
}

/** Without sorting by the library, which depends on the locale. */
function serialize(bom: Bom): string {
  const serializer = new JsonSerializer(new CycloneJson.Normalize.Factory(Spec1dot6));
  return serializer.serialize(bom, { sortLists: false, space: 2 });
}

/** RFC 9562's version 5. */
function uuidOf(name: string): string {
  const namespace = Buffer.from(NAMESPACE.replaceAll("-", ""), "hex");
  const bytes = createHash("sha1").update(namespace).update(name).digest().subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x50, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
