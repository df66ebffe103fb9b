import { mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { MatrixResult } from "../../src/fleet/plan/matrix.js";
import { matrixTable } from "../../src/fleet/text/matrix-text.js";
import { kdock, matrixRows, removeVolumes } from "../support/kdock.js";

/** A kernel of each suite; the newest one of backports is added below. */
const KERNELS = ["debian:5.10", "debian:6.1", "debian:6.12"];

const CHAIN = /CONFIG_EXT4_FS=y {2}\(is n\)\n +depends on CONFIG_BLOCK \[=n\]/;

let folder: string;
const rows: MatrixResult[] = [];
const here = (...args: readonly string[]) => kdock(args, { cwd: folder });

beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "kdock-kernels-")));
  await writeFile(join(folder, "kdock.yaml"), "gdb: { listen: 127.0.0.1:0 }\n");
  KERNELS.push(await newestOfBackports());
});
afterAll(async () => {
  process.stdout.write(["", ...matrixTable(rows), ""].join("\n"));
  await here("clean");
  await removeVolumes(folder);
  await rm(folder, { recursive: true, force: true });
});

/** The error for a version that does not exist lists existing ones. */
async function newestOfBackports(): Promise<string> {
  const { stderr } = await here("lock");
  expect(stderr).toContain("lock-trixie");
  const refused = await kdock(["build", "kernel", "--kernel", "debian:7.999"], { cwd: folder });
  const there = [...refused.stderr.matchAll(/debian:(7\.\d+)/g)].map(
    ([, version]) => version ?? "",
  );
  const newest = there
    .filter((version) => version !== "7.999")
    .sort((a, b) => Number(b.split(".")[1]) - Number(a.split(".")[1]))[0];
  if (newest === undefined) throw new Error(`no linux-source-7 among:\n${refused.stderr}`);
  return `debian:${newest}`;
}

describe.each([0, 1, 2, 3])("kernel %i of the list", (index) => {
  it("explains its configuration before the build, and unmet requests", async () => {
    const kernel = KERNELS[index] ?? "";
    const env = { KDOCK_KERNEL_SOURCE: kernel };
    const why = await kdock(["config", "why", "BTRFS_FS"], { cwd: folder, env });
    expect(why.exitCode, why.stderr).toBe(0);
    expect(why.stdout).toMatch(/^CONFIG_BTRFS_FS = n\n/);
    expect(why.stdout).toMatch(/ {4}✓ CONFIG_BLOCK \[=y\]/);
    expect(why.stdout).toMatch(/to get y: kdock config set .*BTRFS_FS=y/);
    const refused = await kdock(["config", "set", "BLOCK=n", "EXT4_FS=y"], { cwd: folder, env });
    expect(refused.exitCode).toBe(2);
    expect(refused.stderr).toMatch(CHAIN);
    const set = { ...env, KDOCK_KERNEL_SET: "BLOCK=n,EXT4_FS=y" };
    const failed = await kdock(["build", "kernel"], { cwd: folder, env: set });
    expect(failed.exitCode).toBe(1);
    expect(failed.stderr).toMatch(CHAIN);
  });

  it("builds with the preset debug, boots, and stops at a breakpoint", async () => {
    const kernel = KERNELS[index] ?? "";
    const tried = await here("--json", "matrix", "--kernels", kernel, "--", "uname", "-r");
    const row = matrixRows(tried.stdout)[0];
    expect(row, tried.stdout.slice(-4000)).toBeDefined();
    if (row === undefined) return;
    rows.push(row);
    // Print each row at once, in case the run is interrupted.
    process.stdout.write(["", ...matrixTable([row]), ""].join("\n"));
    expect(row.verdict, row.message).toBe("ok");
    expect(row.output).toEqual([row.release]);
    const trapped = await here(
      ...["trap", "--kernel", row.key ?? "", "tcp_v4_rcv", "--bt", "--print", "skb->len"],
      ...["--exec", "nc -l -p 9090 & sleep 1; echo x | nc 127.0.0.1 9090", "--timeout", "120"],
    );
    expect(trapped.exitCode, trapped.stderr).toBe(0);
    expect(trapped.stdout).toContain("tcp_v4_rcv");
    expect(trapped.stdout).toMatch(/net\/ipv4\/ip_input\.c:\d+/);
  });
});
