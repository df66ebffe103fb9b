import { mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ARCHITECTURES } from "../../src/core/plan/architectures.js";
import { DEFAULT_VM, projectNames } from "../../src/core/plan/names.js";
import { matrixTable } from "../../src/fleet/text/matrix-text.js";
import { CrossGuest } from "../support/cross.js";
import { kdock, matrixRows, removeVolumes } from "../support/kdock.js";

/** The preset debug on every architecture except the one of all other tests. */
describe.each(["arm64", "riscv64"] as const)("%s", (arch) => {
  const row = ARCHITECTURES[arch];
  let guest: CrossGuest;

  beforeAll(async () => {
    const folder = await realpath(await mkdtemp(join(tmpdir(), `kdock-${arch}-`)));
    await writeFile(join(folder, "kdock.yaml"), "gdb: { listen: 0 }\n");
    const names = projectNames(folder);
    const own = { vmContainer: names.vmContainer(DEFAULT_VM), network: names.network };
    guest = new CrossGuest(folder, arch, own);
    // The matrix row first: the tests use its build.
    const tried = await guest.run(
      "--json",
      "matrix",
      "--kernels",
      "6.12",
      "--archs",
      arch,
      "--",
      "true",
    );
    const rows = matrixRows(tried.stdout);
    process.stdout.write(["", ...matrixTable(rows), ""].join("\n"));
    expect(rows[0]?.verdict, tried.stderr).toBe("ok");
    await guest.ok("build", "--arch", arch);
    await guest.ok("run", "-d", "-p", "0:9090", "--cpus", "2");
  });

  afterAll(async () => {
    await kdock(["stop"], { cwd: guest.folder });
    await kdock(["clean"], { cwd: guest.folder });
    await removeVolumes(guest.folder);
    await rm(guest.folder, { recursive: true });
  });

  it("boots with all processors", async () => {
    expect(await guest.sh("uname -m; nproc")).toBe(`${row.machine}\n2\n`);
    expect(await guest.sh("cat /proc/cmdline")).toContain(`console=${row.console}`);
  });

  it("has network, names and published ports", async () => {
    await guest.reachesPeer(9090);
  });

  it("copies files", async () => {
    await guest.copies();
  });

  it("stops in the network code with trap, with arguments, lines and a backtrace", async () => {
    const script = "ping -c 1 127.0.0.1";
    const output = await guest.trap("icmp_rcv", script, "--bt", "--args", "--print", "skb->len");
    expect(output).toContain("icmp_rcv");
    expect(output).toContain("net/ipv4/icmp.c");
    expect(output).toMatch(/skb=0x[0-9a-f]+/);
    expect(output).toContain("ip_local_deliver_finish");
    expect(await guest.sh("echo on")).toBe("on\n");
  });

  it("finds system calls by their names on other architectures", async () => {
    expect(await guest.trap("__x64_sys_newuname", "uname -a")).toContain(`sys_newuname`);
  });

  it("has the kernel's gdb commands", async () => {
    const { stdout, exitCode } = await kdock(["gdb"], {
      cwd: guest.folder,
      input: "lx-version\nlx-ps\n",
    });
    expect(stdout).toMatch(/Linux version \d/);
    expect(stdout).toMatch(/swapper\/0/);
    expect(exitCode).toBe(0);
  });

  it("reports a panic with its reason", async () => {
    const { stdout, stderr } = await guest.run(
      ...["trap", "kernel_restart", "--exec", "echo c > /proc/sysrq-trigger"],
    );
    expect(stdout + stderr).toContain("sysrq triggered crash");
  });
});
