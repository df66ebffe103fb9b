import type { Share } from "../../config/config.js";
import { defaultMountPoint, mountPointProblem, repeatedMountPoint } from "../../config/shares.js";
import { KdockError } from "../../core/errors.js";
import { missingOptions, NEEDS, requireOptions } from "../../build/plan/guest-needs.js";
import { hostPath } from "../../core/plan/host-path.js";
import { INSIDE } from "../../core/plan/names.js";

/** How the guest's kernel gets at a folder: through QEMU's own 9p server, or through virtiofsd beside it. */
export type ShareTransport = "9p" | "virtiofs";

export interface SharePlan {
  /** What the guest's kernel finds it by. */
  readonly tag: string;
  /** Absolute, on the engine's machine. */
  readonly folder: string;
  /** As the user wrote it. */
  readonly written: string;
  /** Where it is in the VM's container. */
  readonly inside: string;
  readonly mountPoint: string;
  readonly writable: boolean;
}

/** The folders of a VM, and how its kernel mounts them. */
export interface Shares {
  readonly folders: readonly SharePlan[];
  readonly transport: ShareTransport;
}

export const NO_SHARES: Shares = { folders: [], transport: "9p" };

/**
 * `shares` of a project in `folder`, those that lie in others' mount points behind them. Throws a `config` error where
 * only the folder's own path tells that two meet, or that one has no name.
 */
export function sharePlans(shares: readonly Share[], folder: string): readonly SharePlan[] {
  const placed = shares.map((share) => placedShare(share, folder));
  const twice = placed[repeatedMountPoint(placed) ?? -1];
  if (twice !== undefined) throw invalid(`${twice.mountPoint} is given twice`);
  return placed
    .toSorted((a, b) => (a.mountPoint < b.mountPoint ? -1 : 1))
    .map((share, index) => {
      const tag = `share${index}`;
      return { ...share, tag, inside: `${INSIDE.shares}/${tag}` };
    });
}

function placedShare(share: Share, project: string) {
  const { folder: written, writable } = share;
  const folder = hostPath(project, written);
  const mountPoint = share.mountPoint ?? defaultMountPoint(folder);
  const problem =
    mountPoint === undefined
      ? `${written} has no name to call it by: give it a mount point, like ${written}:/mnt/host`
      : mountPointProblem(mountPoint);
  if (mountPoint === undefined || problem !== undefined) throw invalid(problem ?? "");
  return { folder, written, mountPoint, writable };
}

function invalid(problem: string): KdockError {
  return new KdockError("config", `vm.shares: ${problem}`, {
    hint: "Write --share FOLDER:/MOUNTPOINT, or the same under vm.shares.",
  });
}

/** What a kernel with this .config mounts folders with. Throws a `config` error that says what it lacks. */
export function shareTransport(kernelConfig: string): ShareTransport {
  if (missingOptions(kernelConfig, NEEDS.virtiofs).length === 0) return "virtiofs";
  requireOptions(kernelConfig, "--share (vm.shares)", NEEDS["9p"]);
  return "9p";
}

/** What QEMU is told; the memory of the guest is to be shared with virtiofsd, see `qemuArgs`. */
export function shareArgs({ folders, transport }: Shares): readonly string[] {
  return folders.flatMap(({ tag, inside, writable }) =>
    transport === "virtiofs"
      ? [
          ...["-chardev", `socket,id=${tag},path=${INSIDE.shareSocket(tag)}`],
          ...["-device", `vhost-user-fs-pci,chardev=${tag},tag=${tag}`],
        ]
      : [
          "-fsdev",
          // Files are what the guest sees of them: owners and modes are the host's, nothing is noted beside them.
          `local,id=${tag},path=${inside},security_model=none,multidevs=remap${writable ? "" : ",readonly=on"}`,
          ...["-device", `virtio-9p-pci,fsdev=${tag},mount_tag=${tag}`],
        ],
  );
}

/** "share0,9p,ro,/mnt/my%20data", as kdock.share= for the guest's init. */
export function shareWords({ folders, transport }: Shares): readonly string[] {
  return folders.map(({ tag, writable, mountPoint }) =>
    [tag, transport, writable ? "rw" : "ro", encoded(mountPoint)].join(","),
  );
}

/** The same for images/vm/start.sh, with where the folder is in the VM's container, and virtiofsd's socket. */
export function shareFacts(shares: Shares): string {
  const words = shareWords(shares);
  return shares.folders
    .map(({ tag, inside }, index) => `${words[index] ?? ""},${inside},${INSIDE.shareSocket(tag)}`)
    .join(" ");
}

/** A kernel's command line has its own mind about blanks and quotes, and a shell about stars. */
function encoded(path: string): string {
  return [...Buffer.from(path)]
    .map((byte) => {
      const letter = String.fromCharCode(byte);
      return /[\w./-]/.test(letter) ? letter : `%${byte.toString(16).padStart(2, "0")}`;
    })
    .join("");
}

/** For people: "/home/ada/data on /mnt/data (read-only)". */
export function shareText({ folder, mountPoint, writable }: SharePlan): string {
  return `${folder} on ${mountPoint} (${writable ? "read-write" : "read-only"})`;
}
