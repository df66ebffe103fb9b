import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { configOptions, NOT_SET } from "../../../src/core/plan/artifact-diff.js";
import { ROOT } from "../../support/kdock.js";

/** The releases that test/fixtures/kconfig/options.txt was read from. */
const RELEASES = "3.10 4.4 4.9 4.14 4.19 5.4 5.10 5.15 6.1 6.6 6.12 7.1".split(" ");
/** Which fragments a preset takes: images/kernel/build.sh. */
const PRESETS = {
  debug: ["guest", "debug"],
  defconfig: ["debug", "boot", "shares"],
  tiny: ["boot", "shares", "tiny"],
};

/** What a release cannot have, and nothing else stands for; docs/guides/old-kernels.md says what it costs. */
const LIMITS: Readonly<Record<string, readonly string[]>> = {
  CONFIG_VIRTIO_FS: ["3.10", "4.4", "4.9", "4.14", "4.19"],
  CONFIG_PVH: ["3.10", "4.4", "4.9", "4.14", "4.19"],
  CONFIG_FW_CFG_SYSFS: ["3.10", "4.4"],
  CONFIG_GDB_SCRIPTS: ["3.10"],
  CONFIG_KERNEL_LZ4: ["3.10"],
  CONFIG_DEBUG_INFO_DWARF4: ["3.10"],
};

const folder = mkdtempSync(join(tmpdir(), "kdock-presets-"));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function demands(release: string, fragments: readonly string[]): Readonly<Record<string, string>> {
  const output = join(folder, "demands.config");
  execFileSync("python3", [
    ...[`${ROOT}images/kernel/kconfig.py`, "merge", "--version", release, "--output", output],
    ...["--config-dir", `${ROOT}images/kernel/config`, ...fragments],
  ]);
  return configOptions(readFileSync(output, "utf8"));
}

const spans = readFileSync(`${ROOT}test/fixtures/kconfig/options.txt`, "utf8")
  .split("\n")
  .filter((line) => line.startsWith("CONFIG_"))
  .map((line) => line.split(" "));
const position = (release: string | undefined, end: number) =>
  release === "-" || release === undefined ? end : RELEASES.indexOf(release);
const has = new Map(
  spans.map(([name, first, last]) => {
    const [from, to] = [position(first, 0), position(last, RELEASES.length - 1)];
    return [
      name,
      (release: string) => {
        const at = RELEASES.indexOf(release);
        return at >= from && at <= to;
      },
    ];
  }),
);

describe.each(Object.entries(PRESETS))("the preset %s", (_name, fragments) => {
  it.each(RELEASES)(
    "asks %s for options that it has, by the names that it has for them",
    (release) => {
      const asked = Object.entries(demands(release, fragments));
      const unknown = asked.map(([name]) => name).filter((name) => !has.has(name));
      expect(unknown, "not in options.txt: look them up in all releases").toEqual([]);
      const missing = asked
        .filter(([name, value]) => value !== NOT_SET && has.get(name)?.(release) === false)
        .map(([name]) => name)
        .filter((name) => LIMITS[name]?.includes(release) !== true);
      expect(missing).toEqual([]);
    },
  );
});

it("names no limit that a release does not have", () => {
  for (const [name, releases] of Object.entries(LIMITS)) {
    for (const release of releases)
      expect(has.get(name)?.(release), `${name} ${release}`).toBe(false);
  }
});
