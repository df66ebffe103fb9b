import { chown, open, rm, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { projectNames } from "../../src/core/plan/names.js";
import { kdock } from "../support/kdock.js";
import { inGuest, labSide, withGuest } from "../support/lab.js";

/** The uid of no process here: neither root nor QEMU's user owns its files. */
const OWNER = 54321;

const YAML = `
gdb: { listen: 0 }
vms:
  a: { disks: [data.img, 1G, "theirs.img:ro"], cpu: "Nehalem,+x2apic" }
  b: { disks: ["theirs.img:ro"], cpus: 2 }
`;

let folder: string;
let names: ReturnType<typeof projectNames>;
const here = (...args: readonly string[]) => kdock(args, { cwd: folder });
const guest = (vm: string, script: string) =>
  withGuest(names.vmContainer(vm), (session) => inGuest(session, script));

async function makeDisk(name: string, bytes: number): Promise<void> {
  const file = await open(join(folder, name), "wx", 0o600);
  await file.close();
  await truncate(join(folder, name), bytes);
}

beforeAll(async () => {
  folder = await labSide("disks", YAML);
  names = projectNames(folder);
  await makeDisk("data.img", 64 << 20);
  await makeDisk("theirs.img", 1 << 20);
  const file = await open(join(folder, "theirs.img"), "r+");
  await file.write("theirs");
  await file.close();
  for (const name of ["data.img", "theirs.img"]) await chown(join(folder, name), OWNER, OWNER);
  const { exitCode, stderr } = await here("up");
  expect(exitCode, stderr).toBe(0);
});

afterAll(async () => {
  await here("down");
  await rm(folder, { recursive: true });
});

it("disks are in order, with names and sizes", async () => {
  const { stdout } = await guest(
    "a",
    "for n in data scratch theirs; do readlink -f /dev/disk/by-id/virtio-$n; done; cat /sys/block/vd?/size /sys/block/vd?/ro",
  );
  expect(stdout).toBe("/dev/vda\n/dev/vdb\n/dev/vdc\n131072\n2097152\n2048\n0\n0\n1\n");
});

it("a read-only disk is shared by two VMs", async () => {
  for (const [vm, disk] of [
    ["a", "/dev/vdc"],
    ["b", "/dev/vda"],
  ] as const) {
    const { stdout, exitCode } = await guest(vm, `head -c 6 ${disk}; echo x > ${disk}`);
    expect({ stdout, exitCode }).toEqual({ stdout: "theirs", exitCode: 1 });
  }
});

it("--cpu selects the processor", async () => {
  const { stdout } = await guest("a", "cat /proc/cpuinfo");
  expect(stdout).toContain("(Nehalem Class Core i7)");
  expect(stdout).toMatch(/^flags.* x2apic/m);
  expect(stdout).not.toMatch(/^flags.* avx/m);
});

it("a file that a VM writes to is rejected for another VM", async () => {
  for (const disk of ["data.img", "data.img:ro"]) {
    const { exitCode, stderr } = await here("run", "-d", "--name", "c", "--disk", disk);
    expect(exitCode).toBe(3);
    expect(stderr).toContain(`data.img is in use by the VM a of the project ${names.id}`);
  }
});

it("`kdock stop` keeps what the guest has written without sync", async () => {
  const { exitCode, stderr } = await guest(
    "a",
    "mke2fs /dev/vda >/dev/null && mount -t ext4 /dev/vda /mnt && seq 1 100000 > /mnt/numbers && echo lost > /dev/vdb",
  );
  expect(exitCode, stderr).toBe(0);
  const stop = await here("stop", "a");
  expect(stop.stderr).not.toContain("warning");
  const again = await here(
    ...["run", "--disk", "data.img", "--disk", "1G", "--", "sh", "-c"],
    "mount -t ext4 /dev/vda /mnt && tail -n 1 /mnt/numbers; head -c 4 /dev/vdb; echo more > /mnt/more",
  );
  expect(again.stdout).toBe(`100000\n${"\0".repeat(4)}`);
  const third = await here(
    ...["run", "--disk", "data.img:ro", "--", "sh", "-c"],
    "mount -o ro -t ext4 /dev/vda /mnt && cat /mnt/more",
  );
  expect(third.stdout).toBe("more\n");
  // Owner and mode are unchanged.
  const { mode, uid, gid } = await stat(join(folder, "data.img"));
  expect({ mode: mode & 0o777, uid, gid }).toEqual({ mode: 0o600, uid: OWNER, gid: OWNER });
});

it.each([
  ["a missing file", ["--disk", "nosuch.img"], /there is no disk .*nosuch\.img\n→ .*truncate/],
  ["a folder", ["--disk", "."], /is a folder/],
  ["a text", ["--disk", "kdock.yaml"], /is no disk: it has \d+ bytes/],
  ["another format", ["--disk", "x.vmdk"], /is a VMDK image: kdock takes raw and qcow2/],
  ["an invalid size", ["--disk", "10X"], /flag --disk: .*got "10X"/],
  [
    "an unknown processor",
    ["--cpu", "nehalem"],
    /knows no processor nehalem\n→ Did you mean Nehalem/,
  ],
  ["an unknown feature", ["--cpu", "max,+x2apc"], /no feature x2apc.*\n→ Did you mean x2apic/],
  ["a processor without 64 bits", ["--cpu", "pentium3"], /no 64-bit mode/],
  [
    "nodes that do not divide",
    ["--numa", "2", "--cpus", "3"],
    /3 processors cannot be shared.*\n→ .*--cpus 4/,
  ],
  [
    "nodes for a kernel without NUMA",
    ["--numa", "2", "--cpus", "2"],
    /needs CONFIG_NUMA.*\n→ .*--set CONFIG_NUMA=y/,
  ],
  ["arguments that contradict", ["--append", "kaslr"], /kaslr contradicts/],
])("%s is rejected before a VM starts", async (_what, flags, message) => {
  await writeFile(join(folder, "x.vmdk"), `KDMV${"\0".repeat(508)}`);
  const { exitCode, stdout, stderr } = await here("run", "--name", "c", ...flags, "--", "true");
  expect(stderr).toMatch(message);
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
  expect((await here("ps")).stdout).not.toMatch(/^c /m);
});
