import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { docker, kdock, start, untilOutput } from "../support/kdock.js";
import { inGuest, LAB, LAB_NAMES, withGuest } from "../support/lab.js";

let folder = "";
let gateway = "";
let address = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kdock-capture-"));
  await kdock(["down"], { cwd: LAB });
  const { exitCode, stderr } = await kdock(["run", "-d", "--gdb", "0"], { cwd: LAB });
  expect(exitCode, stderr).toBe(0);
  // The engine's end of the project's network, which is outside the VM's container and always exists.
  const network = `(index .NetworkSettings.Networks "${LAB_NAMES.network}")`;
  const inspect = (what: string) =>
    docker("inspect", "-f", `{{${network}.${what}}}`, LAB_NAMES.vmContainer);
  [gateway, address] = [await inspect("Gateway"), await inspect("IPAddress")];
});

afterAll(async () => {
  await kdock(["down"], { cwd: LAB });
  await rm(folder, { recursive: true, force: true });
});

const ping = () =>
  withGuest(LAB_NAMES.vmContainer, (session) => inGuest(session, `ping -c 1 -W 5 ${gateway}`));
const tcpdumps = async () => {
  const script = 'for p in /proc/[0-9]*; do tr "\\0" " " <$p/cmdline; echo; done 2>/dev/null; true';
  const processes = await docker("exec", LAB_NAMES.vmContainer, "sh", "-c", script);
  return processes.split("\n").filter((line) => line.startsWith("tcpdump"));
};

/** Captures while the guest pings the outside, until `end` is called or the count is reached. */
async function whilePinging(
  args: readonly string[],
  then: (pid: number) => void = () => undefined,
) {
  const capture = start(["capture", ...args], { cwd: LAB });
  await untilOutput(capture.stderr, "listening on");
  await ping();
  then(capture.pid);
  return capture;
}

it("shows both sides of the address translation, live", async () => {
  const { stdout, exitCode } = await whilePinging(["--side", "both", "--count", "4", "icmp"]);
  expect(exitCode).toBe(0);
  const lines = stdout.trim().split("\n");
  expect(lines).toHaveLength(4);
  expect(lines[0]).toContain(`10.0.3.2 > ${gateway}: ICMP echo request`);
  expect(lines[1]).toContain(`${address} > ${gateway}: ICMP echo request`);
  expect(lines[2]).toContain(`${gateway} > ${address}: ICMP echo reply`);
  expect(lines[3]).toContain(`${gateway} > 10.0.3.2: ICMP echo reply`);
});

it("--side uplink never shows the guest's address", async () => {
  const { stdout } = await whilePinging(["--side", "uplink", "--count", "2", "icmp"]);
  expect(stdout).toContain(address);
  expect(stdout).not.toContain("10.0.3.2");
});

it("Ctrl-C leaves a complete file and no tcpdump in the container", async () => {
  const file = join(folder, "a.pcap");
  const { exitCode } = await whilePinging(["-w", file, "icmp"], (pid) =>
    process.kill(pid, "SIGINT"),
  );
  expect(exitCode).toBe(130);
  const pcap = await readFile(file);
  // tcpdump's magic number in the byte order of x86, then two packets at least.
  expect(pcap.subarray(0, 4).toString("hex")).toBe("d4c3b2a1");
  expect(pcap.length).toBeGreaterThan(24 + 2 * (16 + 98) - 1);
  expect(await tcpdumps()).toEqual([]);

  const again = await kdock(["capture", "-w", file, "--count", "1"], { cwd: LAB });
  expect(again.exitCode).toBe(2);
  expect(again.stderr).toContain("already exists");
  expect((await readFile(file)).equals(pcap)).toBe(true);
});

it("tcpdump ends when kdock is killed", async () => {
  await whilePinging(["icmp"], (pid) => {
    process.kill(pid, "SIGKILL");
  });
  for (const limit = Date.now() + 10_000; Date.now() < limit;) {
    if ((await tcpdumps()).length === 0) break;
    await sleep(100);
  }
  expect(await tcpdumps()).toEqual([]);
});

it("an invalid filter exits with 2 and creates no file; --force replaces a file only once there are packets", async () => {
  const file = join(folder, "b.pcap");
  const wrong = () => kdock(["capture", "-w", file, "--force", "tcp prt 80"], { cwd: LAB });
  const { exitCode, stderr } = await wrong();
  expect(exitCode).toBe(2);
  expect(stderr).toContain("tcpdump: can't parse filter expression");
  expect(await readdir(folder)).not.toContain("b.pcap");

  // A valid filter, and then an invalid one with the same file.
  expect((await whilePinging(["-w", file, "--count", "2", "icmp"])).exitCode).toBe(0);
  const pcap = await readFile(file);
  expect((await wrong()).exitCode).toBe(2);
  expect((await readFile(file)).equals(pcap)).toBe(true);

  const replaced = await whilePinging(["-w", file, "--force", "--count", "1", "icmp"]);
  expect(replaced.exitCode, replaced.stderr).toBe(0);
  expect((await readFile(file)).length).toBeLessThan(pcap.length);
  expect((await readdir(folder)).filter((name) => name.startsWith("b.pcap"))).toEqual(["b.pcap"]);
});
