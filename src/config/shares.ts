import type { Parsed } from "./addresses.js";
import type { Share } from "./values.js";

const FORM = "expected FOLDER[:/MOUNTPOINT][:ro|rw]";

/** A mount there would hide what the guest lives from; below some of them, too. */
const TAKEN = ["/", "/bin", "/sbin", "/usr", "/usr/bin", "/usr/sbin", "/etc", "/run", "/tmp"];
const TAKEN_WITH_ALL_BELOW = ["/dev", "/proc", "/sys"];
/** Of a mount point on the kernel's command line, where 2047 bytes are all there is. */
const MAX_BYTES = 200;

/** "./dir", "./dir:rw", "./dir:/mnt/x", "/srv/dir:/mnt/x:ro" */
export function parseShare(text: string): Parsed<Share> {
  const [folder = "", ...rest] = text.split(":");
  const mode = rest.length > 0 && !rest.at(-1)?.startsWith("/") ? rest.pop() : undefined;
  const [given, ...more] = rest;
  if (folder === "" || more.length > 0) return { problem: `${FORM}, got "${text}"` };
  // eslint-disable-next-line no-control-regex -- neither a kernel's command line nor a console can have them
  if (/[\u0000-\u001f\u007f]/.test(text)) return { problem: "has a control character in it" };
  if (mode !== undefined && mode !== "ro" && mode !== "rw") {
    return {
      problem: `${FORM}: "${mode}" is neither ro nor rw, nor a mount point, which begins with /`,
    };
  }
  const mountPoint = given === undefined ? { value: defaultMountPoint(folder) } : absolute(given);
  if ("problem" in mountPoint) return mountPoint;
  const problem = mountPointProblem(mountPoint.value);
  if (problem !== undefined) return { problem };
  return { value: { folder, mountPoint: mountPoint.value, writable: mode === "rw" } };
}

/** The same, a relative folder counted from another one. */
export function shareFrom(text: string, absolute: (path: string) => string): string {
  const [folder = "", ...rest] = text.split(":");
  return folder === "" ? text : [absolute(folder), ...rest].join(":");
}

/** /mnt and the folder's own name; undefined where the path does not tell it: ".", "../..", "/". */
export function defaultMountPoint(folder: string): string | undefined {
  const name = steps(folder).at(-1);
  return name === undefined || name === ".." ? undefined : `/mnt/${name}`;
}

/** Why nothing can be mounted there. */
export function mountPointProblem(path: string | undefined): string | undefined {
  if (path === undefined) return undefined;
  const above = TAKEN_WITH_ALL_BELOW.some((taken) => `${path}/`.startsWith(`${taken}/`));
  if (above || TAKEN.includes(path)) {
    return `${path} is the guest's own: mount it somewhere else, like /mnt/NAME`;
  }
  if (Buffer.byteLength(path) > MAX_BYTES) {
    return `the mount point is longer than ${MAX_BYTES} bytes: give it a shorter one`;
  }
  return undefined;
}

/** Where in the list a mount point stands for the second time. */
export function repeatedMountPoint(
  shares: readonly Pick<Share, "mountPoint">[],
): number | undefined {
  const points = shares.map(({ mountPoint }) => mountPoint);
  const at = points.findIndex((point, index) => point && points.indexOf(point) < index);
  return at < 0 ? undefined : at;
}

/** Without doubled slashes, "." and a slash at the end. */
function absolute(path: string): Parsed<string> {
  if (path.split("/").includes("..")) return { problem: `a mount point has no "..": ${path}` };
  return { value: `/${steps(path).join("/")}` };
}

/** The names in a path, with "." and what ".." undoes left out. */
function steps(path: string): readonly string[] {
  const names: string[] = [];
  for (const name of path.split("/")) {
    if (name === "" || name === ".") continue;
    const last = names.at(-1);
    if (name !== ".." || last === undefined || last === "..") names.push(name);
    else names.pop();
  }
  return names;
}
