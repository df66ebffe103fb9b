import { mkdtemp, open, readdir, readFile, realpath, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { docker, kdock, start, untilOutput } from "../support/kdock.js";
import { inGuest, LAB, LAB_NAMES, withGuest } from "../support/lab.js";

const inLab = (...args: string[]) => kdock(args, { cwd: LAB });
const stop = () => inLab("stop");

let folder: string;
const at = (name: string) => join(folder, name);
beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "kdock-dump-")));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function expectGuestRuns(): Promise<void> {
  const answer = await withGuest(LAB_NAMES.vmContainer, (session) => inGuest(session, "echo on"));
  expect(answer.stdout).toBe("on\n");
}

/** The size of the temporary file of a dump to this path. */
const partOf = (path: string) => async () => {
  const parts = (await readdir(folder)).filter((name) => join(folder, name).startsWith(`${path}.`));
  const sizes = parts.map((name) => stat(join(folder, name, "core")).then(({ size }) => size));
  return Math.max(0, ...(await Promise.all(sizes.map((size) => size.catch(() => 0)))));
};

/** No container, volume or pipe of a session or a dump is left. */
async function expectNothingLeft(): Promise<void> {
  const mine = `label=io.kdock.project=${LAB_NAMES.id}`;
  for (const role of ["memory", "build"]) {
    const filters = ["--filter", mine, "--filter", `label=io.kdock.role=${role}`];
    expect(await docker("ps", "-aq", ...filters)).toBe("");
  }
  expect(await docker("volume", "ls", "-q", "--filter", `name=^${LAB_NAMES.dumpVolume}$`)).toBe("");
  await expect
    .poll(() => docker("exec", LAB_NAMES.vmContainer, "ls", "/run/kdock"), { timeout: 10_000 })
    .not.toContain("dump.");
}

const TASKS = "print([task.comm.string_().decode() for task in for_each_task(prog)])";

describe("without a VM", () => {
  beforeAll(stop);

  it.each([
    ["dump", ["dump", "core"], /has no VM\n→ Start one/],
    ["drgn", ["drgn"], /has no VM\n→ Start one/],
    ["crash", ["crash"], /has no VM\n→ Start one/],
    ["a missing core", ["drgn", "--core", "nowhere"], /there is no file .*nowhere\n→ /],
    ["a core that is a folder", ["crash", "--core", "src"], /src is a folder/],
    [
      "a file that is not a core",
      ["drgn", "--core", "package.json"],
      /neither an ELF core nor a kdump/,
    ],
    ["a folder to dump to", ["dump", "src"], /src is a folder/],
    ["an existing file", ["dump", "package.json"], /already exists\n→ .*--force/],
  ])("%s exits with 2 and a hint", async (_what, args, message) => {
    const { exitCode, stdout, stderr } = await inLab(...args);
    expect(stderr).toMatch(message);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
  });
});

describe("a running VM", () => {
  let core: string;

  beforeAll(async () => {
    core = at("core");
    expect((await inLab("run", "-d", "--gdb", "0")).exitCode).toBe(0);
  });
  afterAll(stop);

  it("is dumped to a sparse file, and continues", async () => {
    const { exitCode, stdout, stderr } = await inLab("--json", "dump", core);
    expect(exitCode, stderr).toBe(0);
    const lines = stdout.trim().split("\n");
    const { data } = JSON.parse(lines.at(-1) ?? "") as { data: { sizeBytes: number } };
    const { size, blocks, mode } = await stat(core);
    expect(data.sizeBytes).toBe(size);
    expect(size).toBeGreaterThan(512 * 1024 * 1024);
    expect(blocks * 512).toBeLessThan(size / 2);
    // The file contains the guest's secrets.
    expect(mode & 0o777).toBe(0o600);
    await expectGuestRuns();
    await expectNothingLeft();
  });

  it("drgn reads the file: the kernel's banner, tasks, and types by name", async () => {
    const code = 'print(prog["linux_banner"].string_().decode())';
    const banner = await inLab("drgn", "--core", core, "--", "-e", code);
    expect(banner.stdout, banner.stderr).toMatch(/^Linux version 6\./m);
    const tasks = await inLab("drgn", "--core", core, "--", "-e", TASKS);
    expect(tasks.stdout, tasks.stderr).toMatch(/\['init', 'kthreadd'/);
    expect(tasks.exitCode).toBe(0);
  });

  it("drgn runs the user's script with arguments on a new dump", async () => {
    await writeFile(
      at("who.py"),
      "import sys\nfrom drgn.helpers.linux.pid import find_task\nprint(sys.argv[1], find_task(prog, 1).comm)\nsys.exit(7)\n",
    );
    const { exitCode, stdout, stderr } = await inLab("drgn", "--", at("who.py"), "pid1");
    expect(stdout, stderr).toContain('pid1 (char [16])"init"');
    expect(exitCode).toBe(7);
    await expectGuestRuns();
    await expectNothingLeft();
  });

  it("crash reads commands from stdin: ps, bt of a sleeping and of the running task, log", async () => {
    const commands = "ps 1\nbt 1\nbt\nlog\n";
    const { exitCode, stdout, stderr } = await kdock(["crash"], { cwd: LAB, input: commands });
    expect(stdout, stderr).toMatch(/^ +1 +0 +0 .* init$/m);
    expect(stdout).toMatch(/#\d+ \[[0-9a-f]+\] do_wait at/);
    expect(stdout).toMatch(/PID: 0 .*COMMAND: "swapper\/0"\n[^]*\bdo_idle at/);
    expect(stdout).toMatch(/\] Linux version 6\./);
    expect(exitCode).toBe(0);
    await expectGuestRuns();
    await expectNothingLeft();
  });

  it("crash reads commands from a file", async () => {
    await writeFile(at("commands"), "sys\nquit\n");
    const { stdout, exitCode } = await inLab("crash", "--core", core, "--", "-i", at("commands"));
    expect(stdout).toMatch(/RELEASE: 6\./);
    expect(exitCode).toBe(0);
  });

  it("a compressed dump is smaller, and drgn reads it", async () => {
    const compressed = at("kdump");
    expect((await inLab("dump", "--compress", compressed)).exitCode).toBe(0);
    expect((await stat(compressed)).size).toBeLessThan((await stat(core)).size / 8);
    const { stdout, stderr } = await inLab("drgn", "--core", compressed, "--", "-e", TASKS);
    expect(stdout, stderr).toMatch(/\['init', 'kthreadd'/);
  });

  it("the dump of a kernel that was not built here is rejected", async () => {
    const other = at("other");
    const notes = Buffer.alloc(8192);
    const file = await open(core);
    await file.read(notes, 0, notes.length, 0);
    await file.close();
    const id = notes.indexOf("BUILD-ID=") + "BUILD-ID=".length;
    notes.write("deadbeef", id);
    await writeFile(other, notes);
    const { exitCode, stderr } = await inLab("drgn", "--core", other);
    expect(stderr).toMatch(/not built here: Linux 6\.[\d.]+, build id deadbeef/);
    expect(exitCode).toBe(2);
  });

  it("a dump replaces a file only with --force, and keeps it when it is interrupted", async () => {
    const precious = at("precious");
    await writeFile(precious, "precious");
    expect((await inLab("dump", precious)).exitCode).toBe(2);
    const running = start(["dump", "--force", precious], { cwd: LAB });
    await untilOutput(running.stderr, /the guest's memory/);
    await expect.poll(partOf(precious), { timeout: 60_000, interval: 20 }).toBeGreaterThan(0);
    running.kill("SIGINT");
    expect((await running).exitCode).toBe(130);
    expect(await readFile(precious, "utf8")).toBe("precious");
    await expectGuestRuns();
    await expectNothingLeft();
  });

  it("continues when the container that receives its dump is killed", async () => {
    const receiver = LAB_NAMES.buildContainer("dump");
    // A dump is fast: repeated until one is killed before its end.
    const isKilled = async () => {
      const running = start(["drgn"], { cwd: LAB });
      let over = false;
      void running.then(() => (over = true));
      const killed = async () =>
        over ||
        (await docker("kill", receiver).then(
          () => true,
          () => false,
        ));
      await expect.poll(killed, { timeout: 60_000, interval: 5 }).toBe(true);
      return (await running).exitCode !== 0;
    };
    await expect.poll(isKilled, { timeout: 120_000, interval: 5 }).toBe(true);
    await expectGuestRuns();
    await expectNothingLeft();
  });

  it("a second session is rejected", async () => {
    const first = start(["drgn", "--core", core], { cwd: LAB, pipe: true });
    await expect
      .poll(() => docker("ps", "-q", "--filter", `name=^${LAB_NAMES.memoryContainer}$`), {
        timeout: 60_000,
      })
      .not.toBe("");
    const second = await inLab("crash");
    expect(second.stderr).toContain(`another drgn or crash is open: ${LAB_NAMES.memoryContainer}`);
    expect(second.exitCode).toBe(2);
    first.stdin.end();
    expect((await first).exitCode).toBe(0);
    await expectNothingLeft();
  });
});

describe("a paused VM", () => {
  afterAll(stop);

  it("has no kernel to read, and stays paused after the dump", async () => {
    expect((await inLab("run", "-d", "--gdb", "0", "--paused")).exitCode).toBe(0);
    const { stderr, exitCode } = await inLab("drgn", "--", "-e", "1");
    expect(stderr).toMatch(/the dump does not name its kernel/);
    expect(exitCode).toBe(2);
    const socat = ["socat", "-t1", "-", "UNIX-CONNECT:/run/kdock/qmp.sock"];
    const query = `printf '{"execute":"qmp_capabilities"}{"execute":"query-status"}' | ${socat.join(" ")}`;
    const status = await docker("exec", "-u", "qemu", LAB_NAMES.vmContainer, "sh", "-c", query);
    expect(status).toContain('"prelaunch"');
  });
});
