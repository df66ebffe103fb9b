import type { DiskRequest } from "./values.js";
import type { Parsed } from "./addresses.js";

const UNITS = { K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 } as const;
const MIN_BYTES = 2 ** 20;
/** What every file system that engines have their files on can hold in one. */
const MAX_BYTES = 8 * 2 ** 40;
/** One for each letter of /dev/vda to /dev/vdp; the machine has slots for more, but not for many more. */
export const MAX_DISKS = 16;

/** "./data.img", "/var/lib/lab/root.qcow2:ro", "1G" */
export function parseDisk(text: string): Parsed<DiskRequest> {
  const [, bare = text, suffix] = /^(.*):(ro|rw)$/s.exec(text) ?? [];
  const size = sizeText(bare);
  if (size !== undefined) {
    if (suffix === "ro")
      return { problem: `a disk of ${bare} is made empty: nobody needs it read-only` };
    return parseSize(bare, size);
  }
  // eslint-disable-next-line no-control-regex -- what a path may have and nobody means
  if (bare === "" || /[\u0000-\u001f]/.test(bare)) {
    return { problem: `expected FILE[:ro] or a size such as 1G, got ${JSON.stringify(text)}` };
  }
  return { value: { kind: "file", path: bare, readOnly: suffix === "ro" } };
}

/** The same, a relative file counted from another folder; what is a size, or wrong, stays as it is. */
export function diskFrom(text: string, absolute: (path: string) => string): string {
  const parsed = parseDisk(text);
  if ("problem" in parsed || parsed.value.kind !== "file") return text;
  const { path, readOnly } = parsed.value;
  return `${absolute(path)}:${readOnly ? "ro" : "rw"}`;
}

/** Digits first and no dot or slash behind them: a number with a unit, known or not. */
function sizeText(text: string): RegExpExecArray | undefined {
  return /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text) ?? undefined;
}

function parseSize(text: string, [, digits = "", unit = ""]: RegExpExecArray): Parsed<DiskRequest> {
  const factor = /^[kmgt]$/i.test(unit)
    ? UNITS[unit.toUpperCase() as keyof typeof UNITS]
    : undefined;
  if (factor === undefined || digits.includes(".")) {
    return {
      problem: `expected a size such as 512M or 20G, got "${text}" (a file of that name is ./${text})`,
    };
  }
  const bytes = Number(digits) * factor;
  if (bytes >= MIN_BYTES && bytes <= MAX_BYTES) return { value: { kind: "scratch", bytes } };
  return { problem: `a disk has from 1M to 8T, got ${text}` };
}
