import { describe, expect, it } from "vitest";
import {
  lockDrift,
  wantedOf,
  withConfigDigest,
  withoutConfigDigests,
  withWanted,
} from "../../../../src/build/lock/drift.js";
import { EMPTY_LOCK, type Lock } from "../../../../src/build/lock/lock.js";
import { lockRequests, missingRequests } from "../../../../src/build/lock/requests.js";
import { Secret } from "../../../../src/core/secret.js";
import type { Assets } from "../../../../src/core/plan/assets.js";
import type { OverlayEntry } from "../../../../src/build/plan/overlay.js";
import type { InputEntry, UserFiles } from "../../../../src/build/plan/user-files.js";
import { ASSETS, config, overlayFile, plan, text } from "../../fixtures.js";
import { SAMPLE } from "./sample.js";

interface Project {
  yaml?: string;
  user?: Partial<UserFiles>;
  assets?: Assets;
}

function wanted({ yaml = "", user = {}, assets = ASSETS }: Project = {}) {
  return wantedOf(plan(yaml, { user, assets }), assets);
}

/** The sample lock after a build of this project. */
function lockOf(project: Project = {}): Lock {
  return withWanted(SAMPLE, wanted(project), "0.1.0");
}

function drift(before: Project, after: Project): string[] {
  const asked = config(after.yaml);
  const lock = lockOf(before);
  return lockDrift(
    lock,
    wanted(after),
    missingRequests(lock, lockRequests(asked, "x86_64"), asked),
  );
}

function inputFile(path: string, content: string): InputEntry {
  return { path, kind: "file", executable: false, target: "", content: text(content) };
}

function asset(path: string, content: string, executable = false): Assets {
  return new Map([...ASSETS, [path, { content: text(content), executable }]]);
}

const MOTD = overlayFile("etc/motd", "hello");
const LINK: OverlayEntry = { path: "etc/issue", kind: "symlink", target: "motd" };
const ONE = { name: "net.config", text: "CONFIG_NET=y\n" };
const TWO = { name: "dbg.config", text: "CONFIG_KGDB=y\n" };

describe("lockDrift", () => {
  it("is empty for equal inputs, independent of their order", () => {
    expect(drift({}, {})).toEqual([]);
    const user = { kernelFragments: [ONE], overlay: [MOTD, LINK] };
    const yaml = "kernel: { preset: debug, set: { CONFIG_A: y, CONFIG_B: m } }";
    const other = "kernel: { set: { CONFIG_B: m, CONFIG_A: y } }";
    expect(
      drift(
        { yaml, user },
        {
          yaml: other,
          user: { ...user, overlay: [LINK, MOTD] },
          assets: new Map([...ASSETS].reverse()),
        },
      ),
    ).toEqual([]);
  });

  it.each<[string, Project, Project, string[]]>([
    ["a preset", {}, { yaml: "kernel: { preset: tiny }" }, ["kernel: preset: debug → tiny"]],
    [
      "the file of a preset",
      { yaml: "kernel: { preset: file:a }", user: { kernelPreset: "1" } },
      { yaml: "kernel: { preset: file:a }", user: { kernelPreset: "2" } },
      ["kernel: preset file changed"],
    ],
    [
      "an option",
      { yaml: "kernel: { set: { CONFIG_A: y } }" },
      { yaml: "kernel: { set: { CONFIG_A: m } }" },
      ["kernel: set CONFIG_A: y → m"],
    ],
    [
      "a new option",
      {},
      { yaml: "kernel: { set: { CONFIG_A: y } }" },
      ["kernel: set CONFIG_A is new (y)"],
    ],
    [
      "a removed option",
      { yaml: "busybox: { set: { CONFIG_NC: y } }" },
      {},
      ["busybox: set CONFIG_NC was removed (y)"],
    ],
    [
      "an edited fragment",
      { user: { kernelFragments: [ONE] } },
      { user: { kernelFragments: [{ ...ONE, text: "CONFIG_NET=n\n" }] } },
      ["kernel: fragment net.config changed"],
    ],
    [
      "an edited fragment of busybox",
      { user: { busyboxFragments: [ONE] } },
      { user: { busyboxFragments: [{ ...ONE, text: "" }] } },
      ["busybox: fragment net.config changed"],
    ],
    [
      "a new fragment",
      { user: { kernelFragments: [ONE] } },
      { user: { kernelFragments: [ONE, TWO] } },
      [
        "kernel: fragment dbg.config is new",
        "kernel: fragments: net.config → net.config dbg.config",
      ],
    ],
    [
      "the order of fragments",
      { user: { kernelFragments: [ONE, TWO] } },
      { user: { kernelFragments: [TWO, ONE] } },
      ["kernel: fragments: net.config dbg.config → dbg.config net.config"],
    ],
    [
      "an edited patch",
      { user: { kernelPatches: [{ name: "a.patch", text: "1" }] } },
      { user: { kernelPatches: [{ name: "a.patch", text: "2" }] } },
      ["kernel: patch a.patch changed"],
    ],
    [
      "a removed patch",
      { user: { kernelPatches: [{ name: "a.patch", text: "1" }] } },
      {},
      ["kernel: patch a.patch was removed", "kernel: patches was removed (a.patch)"],
    ],
    [
      "another key for modules",
      { user: { moduleKey: { pem: new Secret(Buffer.from("1")), digest: "1".repeat(64) } } },
      { user: { moduleKey: { pem: new Secret(Buffer.from("2")), digest: "2".repeat(64) } } },
      ["kernel: module key changed"],
    ],
    [
      "a file of an initramfs",
      { user: { initramfs: [{ path: "ram", entries: [inputFile("init", "1")] }] } },
      { user: { initramfs: [{ path: "ram", entries: [inputFile("init", "2")] }] } },
      ["kernel: initramfs ram init changed"],
    ],
    [
      "an edited file of the overlay",
      { user: { overlay: [MOTD] } },
      { user: { overlay: [overlayFile("etc/motd", "bye")] } },
      ["rootfs: overlay etc/motd changed"],
    ],
    [
      "another mode in the overlay",
      { user: { overlay: [MOTD] } },
      { user: { overlay: [{ ...MOTD, mode: 0o755 }] } },
      ["rootfs: overlay etc/motd changed"],
    ],
    [
      "another target in the overlay",
      { user: { overlay: [LINK] } },
      { user: { overlay: [{ ...LINK, target: "other" }] } },
      ["rootfs: overlay etc/issue changed"],
    ],
    [
      "a new file in the overlay",
      {},
      { user: { overlay: [MOTD] } },
      ["rootfs: overlay etc/motd is new"],
    ],
    [
      "a file removed from the overlay",
      { user: { overlay: [MOTD, LINK] } },
      { user: { overlay: [LINK] } },
      ["rootfs: overlay etc/motd was removed"],
    ],
    [
      "a script of kdock",
      {},
      { assets: asset("images/kernel/build.sh", "exit 1") },
      ["kdock's own images/kernel/build.sh changed"],
    ],
    [
      "a Dockerfile of kdock",
      {},
      { assets: asset("Dockerfile.kernel", "FROM scratch") },
      ["kdock's own Dockerfile.kernel changed"],
    ],
    [
      "the mode of a file of kdock",
      {},
      { assets: asset("images/vm/start.sh", "images/vm/start.sh", true) },
      ["kdock's own images/vm/start.sh changed"],
    ],
    [
      "a new file of kdock",
      {},
      { assets: asset("images/vm/new.sh", "") },
      ["kdock's own images/vm/new.sh is new"],
    ],
    [
      "a removed file of kdock",
      { assets: asset("images/vm/old.sh", "") },
      {},
      ["kdock's own images/vm/old.sh was removed"],
    ],
    [
      "several things at once",
      {},
      { yaml: "kernel: { preset: tiny }", user: { overlay: [MOTD] } },
      ["kernel: preset: debug → tiny", "rootfs: overlay etc/motd is new"],
    ],
    [
      "another source, which is not locked either",
      {},
      { yaml: "kernel: { source: debian:6.16 }" },
      ["source kernel debian:6.16: not locked", "kernel: source: debian:6.12 → debian:6.16"],
    ],
    [
      "another compiler, which is not locked either",
      {},
      { yaml: "kernel: { toolchain: gcc-10 }" },
      [
        "base bullseye: not locked",
        "image kernel gcc-10: not locked",
        "kernel: toolchain: gcc-14 → gcc-10",
      ],
    ],
  ])("reports %s", (_, before, after, expected) => {
    expect(drift(before, after)).toEqual(expected);
  });

  it("lists all entries if nothing is locked", () => {
    const missing = missingRequests(EMPTY_LOCK, lockRequests(config(), "x86_64"), config());
    const files = new Map([["a", { content: text(""), executable: false }]]);
    expect(lockDrift(EMPTY_LOCK, wantedOf(plan(), files), missing)).toEqual([
      "base trixie: not locked",
      "image kernel gcc-14: not locked",
      "image busybox: not locked",
      "image vm: not locked",
      "image gdb: not locked",
      "source kernel debian:6.12: not locked",
      "source busybox release:1.37.0: not locked",
      "kernel: not locked",
      "busybox: not locked",
      "rootfs: not locked",
      "kdock's own a is new",
    ]);
  });

  it.each(["kernel", "busybox", "rootfs"] as const)(
    "reports a stage without an entry: %s",
    (name) => {
      const stages = { ...lockOf().stages, [name]: undefined };
      const nothing = { bases: [], images: [], sources: [] };
      expect(lockDrift({ ...lockOf(), stages }, wanted(), nothing)).toEqual([
        `${name}: not locked`,
      ]);
    },
  );
});

describe("withWanted", () => {
  const built = withConfigDigest(
    withConfigDigest(lockOf(), "kernel", "a".repeat(64)),
    "busybox",
    "b".repeat(64),
  );

  it("keeps the digest of a .config whose stage did not change", () => {
    const next = withWanted(built, wanted({ yaml: "kernel: { preset: tiny }" }), "0.2.0");
    expect(next.kdock).toBe("0.2.0");
    expect(next.stages.kernel).toEqual({
      inputs: { source: "debian:6.12", preset: "tiny", toolchain: "gcc-14" },
    });
    expect(next.stages.busybox?.config).toBe("b".repeat(64));
    expect(withWanted(built, wanted(), "0.1.0")).toEqual(built);
  });

  it("removes the digests if kdock's files, sources or compilers changed", () => {
    const older = { ...built, files: { ...built.files, "Dockerfile.kernel": "0".repeat(64) } };
    expect(withWanted(older, wanted(), "0.2.0").stages.kernel?.config).toBeUndefined();
    const { stages } = withoutConfigDigests(built);
    expect(stages.kernel).toEqual({ inputs: built.stages.kernel?.inputs });
    expect(stages.busybox?.config).toBeUndefined();
  });

  it("keeps resolved entries", () => {
    const { bases, images, sources } = withWanted(built, wanted({ user: { overlay: [MOTD] } }), "");
    expect({ bases, images, sources }).toEqual({
      bases: SAMPLE.bases,
      images: SAMPLE.images,
      sources: SAMPLE.sources,
    });
  });

  it("adds no digest for a stage that is not locked", () => {
    expect(withConfigDigest(EMPTY_LOCK, "kernel", "a".repeat(64))).toEqual(EMPTY_LOCK);
  });
});
