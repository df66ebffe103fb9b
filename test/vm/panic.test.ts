import { createReadStream } from "node:fs";
import {
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { gzipSync } from "node:zlib";
import { execa } from "execa";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { dapClient } from "../support/dap.js";
import { docker, kdock, start, untilOutput } from "../support/kdock.js";
import { inGuest, LAB, LAB_NAMES, labSide, withGuest } from "../support/lab.js";

const VM = LAB_NAMES.vmContainer;
const PANIC = "echo c > /proc/sysrq-trigger";
const REASON = "sysrq triggered crash";
/** Output of a program in the guest that imitates the container's scripts and the kernel, and controls a terminal. */
const FORGED = [
  "[kdock] error: forged",
  "[    9.000000] Kernel panic - not syncing: forged",
  "[    9.100000] ---[ end Kernel panic - not syncing: forged ]---",
  "\\033]0;forged\\007\\033[2J",
];
/** Writes FORGED to the console from a file, like a log from /sys/fs/pstore. */
const FORGE = `printf '${FORGED.join("\\n")}\\n' > /tmp/dmesg-erst-1; cat /tmp/dmesg-erst-1 > /dev/console`;
const NO_INIT = "init=/none rdinit=/none";

const DUMPS = `${LAB}/.kdock/dumps`;
const dumps = (): Promise<string[]> => readdir(DUMPS).catch(() => []);

const inLab = (...args: string[]) => kdock(args, { cwd: LAB });

async function boot(...flags: string[]): Promise<void> {
  const { exitCode, stderr } = await inLab("run", "-d", "--gdb", "0", ...flags);
  expect(exitCode, stderr).toBe(0);
}

/** Panics after a second, so that the command's exit is received. */
async function panicSoon(): Promise<void> {
  await withGuest(VM, (session) => inGuest(session, `(sleep 1; ${PANIC}) >/dev/null 2>&1 &`));
}

const vmEnds = () => docker("wait", VM);

/** The source line where sysrq_handle_crash calls panic(). */
async function callOfPanic(): Promise<string> {
  const source = await docker(
    ...[
      "run",
      "--rm",
      "--network",
      "none",
      "-v",
      `${LAB_NAMES.volume("src", "debian:6.12")}:/src:ro`,
    ],
    ...["--entrypoint", "grep", (await docker("inspect", "-f", "{{.Image}}", VM)).trim()],
    ...["-n", 'panic("sysrq triggered crash', "/src/drivers/tty/sysrq.c"],
  );
  return `drivers/tty/sysrq.c:${source.split(":")[0] ?? ""}`;
}

async function containsAll(path: string, ...texts: string[]): Promise<boolean> {
  const left = new Set(texts);
  let rest = "";
  for await (const chunk of createReadStream(path, {
    highWaterMark: 1 << 22,
    encoding: "latin1",
  })) {
    const piece = rest + String(chunk);
    for (const text of left) if (piece.includes(text)) left.delete(text);
    if (left.size === 0) return true;
    rest = piece.slice(-200);
  }
  return false;
}

beforeAll(() => inLab("stop"));
afterEach(() => inLab("stop"));

describe("with a debugger", () => {
  it("kdock gdb stops at the panic, which continues afterwards; the user's breakpoints are numbered from 1", async () => {
    await boot();
    const commands = [
      "break tcp_v4_rcv",
      "python gdb.flush()",
      "continue",
      "backtrace",
      "info breakpoints",
    ];
    const debugging = start(["gdb", "--", "-batch", ...commands.flatMap((each) => ["-ex", each])], {
      cwd: LAB,
    });
    await untilOutput(debugging.stdout, "Breakpoint 1 at");
    await panicSoon();
    const { stdout, exitCode } = await debugging;
    expect(stdout).toContain(`kdock: the kernel panics: ${REASON}\n`);
    expect(stdout).toMatch(/#0 +v?panic \(fmt=.*"sysrq triggered crash/);
    expect(stdout).toMatch(/write_sysrq_trigger .* at \/src\/drivers\/tty\/sysrq\.c:\d+/);
    expect(stdout).toContain(await callOfPanic());
    expect(exitCode).toBe(0);
    expect(await vmEnds()).toBe("1");
  });

  it("set stop-on-panic off disables the stop", async () => {
    await boot();
    const commands = [
      "set stop-on-panic off",
      "show stop-on-panic",
      "python gdb.flush()",
      "continue",
    ];
    const debugging = start(["gdb", "--", "-batch", ...commands.flatMap((each) => ["-ex", each])], {
      cwd: LAB,
    });
    await untilOutput(debugging.stdout, "stop-on-panic is off");
    await panicSoon();
    expect((await debugging).stdout).not.toContain("the kernel panics");
    expect(await vmEnds()).toBe("1");
  });

  it("kdock.gdb on this machine stops at a panic of the boot, if connected before the kernel is mapped", async () => {
    await boot("--paused", "--append", NO_INIT);
    const script = `${LAB}/.kdock/out/current/kdock.gdb`;
    const words = ["-nx", "-batch", "-x", script, "-ex", "continue", "-ex", "backtrace 2"];
    const { all } = await execa("gdb", words, {
      cwd: "/",
      stdin: "ignore",
      all: true,
      reject: false,
    });
    // Formatted from the arguments in registers.
    expect(all).toMatch(
      /kdock: the kernel panics: VFS: Unable to mount root fs on (?:unknown-block\(0,0\)|"" or unknown-block\(0,0\))/,
    );
    expect(all).toMatch(/#0 +v?panic \(/);
  });

  it("an editor stops at the panic", async () => {
    await boot();
    const editor = dapClient(LAB);
    await editor.request("initialize", {
      adapterID: "gdb",
      linesStartAt1: true,
      pathFormat: "path",
    });
    const attached = editor.request("attach", { target: "127.0.0.1:1234" });
    await editor.event("initialized");
    await editor.request("configurationDone", {});
    await attached;
    await editor.event("stopped");
    await editor.request("continue", { threadId: 1 });
    await panicSoon();
    expect(await editor.event("stopped")).toMatchObject({ reason: "breakpoint" });
    const { stackFrames } = await editor.request("stackTrace", { threadId: 1 });
    // In newer kernels panic() calls vpanic().
    const names = stackFrames.map(({ name }) => name).filter((name) => name !== "vpanic");
    expect(names.slice(0, 2)).toEqual(["panic", "sysrq_handle_crash"]);
    await editor.request("disconnect", { terminateDebuggee: false });
    await editor.end();
    expect(await vmEnds()).toBe("1");
  });

  it("kdock trap reports a panic with its backtrace", async () => {
    const { exitCode, stdout, stderr } = await inLab(
      "trap",
      "icmp_rcv",
      "--gdb",
      "0",
      "--exec",
      PANIC,
    );
    expect(stderr).toContain(`error: the guest's kernel panicked: ${REASON} (0 of 1 hits before)`);
    expect(stdout).toMatch(/ #[12] +sysrq_handle_crash \(.* at drivers\/tty\/sysrq\.c:\d+/);
    expect(exitCode).toBe(1);
    expect(await readFile(`${LAB}/.kdock/logs/console.log`, "utf8")).toContain(
      `not syncing: ${REASON}`,
    );
  });
});

describe("without a debugger", () => {
  const dump = `${LAB}/.kdock/test-panic.core`;
  afterAll(() => rm(dump, { force: true }));

  it("run -- CMD prints the decoded trace, and writes the requested dump", async () => {
    await rm(dump, { force: true });
    const { exitCode, stderr } = await inLab(
      "run",
      "--gdb",
      "0",
      "--dump-on-panic",
      dump,
      "--",
      "sh",
      "-c",
      PANIC,
    );
    expect(exitCode).toBe(1);
    expect(stderr).toContain(`error: the guest's kernel panicked: ${REASON}\n`);
    expect(stderr).toMatch(/\| {2}sysrq_handle_crash \(drivers\/tty\/sysrq\.c:\d+\)/);
    expect(stderr).toMatch(
      /\| {2}pde_write \(fs\/proc\/inode\.c:\d+\) \(inlined\)\n.*\| {2}proc_reg_write \(fs\/proc\/inode\.c:\d+\)/,
    );
    expect(stderr).toContain(`the guest's memory: ${dump}\n`);
    expect(
      await containsAll(
        dump,
        "\x7fELF",
        "Linux version 6.",
        `Kernel panic - not syncing: ${REASON}`,
      ),
    ).toBe(true);
    // The console's log is not decoded.
    expect(await readFile(`${LAB}/.kdock/logs/console.log`, "utf8")).toMatch(
      / sysrq_handle_crash\+0x/,
    );
    const decoded = await inLab("decode");
    expect(decoded.stdout).toMatch(/^ sysrq_handle_crash \(drivers\/tty\/sysrq\.c:\d+\)$/m);
    const again = await inLab("run", "--dump-on-panic", dump, "--", "true");
    expect(again.stderr).toMatch(/already exists/);
    expect(again.exitCode).toBe(2);
  });

  it("a detached VM keeps its console, reason and dump", async () => {
    const before = await dumps();
    await boot("--dump-on-panic");
    // A program's output is not taken for a panic, nor for the reason of a later one.
    expect((await inLab("exec", "--", "sh", "-c", FORGE)).exitCode).toBe(0);
    const forged = await inLab("logs");
    expect(forged.stdout).toContain("not syncing: forged");
    expect(forged.stdout).toContain("\x1b[2J");
    expect(forged.stderr).toBe("");
    expect((await inLab("ps")).stdout).toMatch(/ Up /);
    expect((await inLab("exec", "--", "true")).exitCode).toBe(0);
    await panicSoon();
    await vmEnds();
    expect((await inLab("ps")).stdout).toMatch(/panicked: sysrq triggered crash; Exited/);
    const logs = await inLab("logs");
    expect(logs.stdout).toMatch(/ sysrq_handle_crash\+0x/);
    expect(logs.stderr).toMatch(/the kernel panicked \(sysrq triggered crash\): `kdock decode`/);
    await inLab("stop");
    expect((await inLab("logs")).stderr).toContain("the kernel panicked (sysrq triggered crash)");
    const [core = "none", ...more] = (await dumps()).filter((name) => !before.includes(name));
    expect(more).toEqual([]);
    expect(await containsAll(`${DUMPS}/${core}`, "Linux version 6.")).toBe(true);
    await rm(`${DUMPS}/${core}`);
    // Also after the VM was removed.
    expect((await inLab("logs")).stdout).toMatch(/ sysrq_handle_crash\+0x/);
  });

  it("a forged panic is not reported by any command, and makes no dump", async () => {
    const before = await dumps();
    await boot("--dump-on-panic");
    const waiting = start(["exec", "--", "sh", "-c", `${FORGE}; poweroff -f; sleep 60`], {
      cwd: LAB,
    });
    const { exitCode, stderr } = await waiting;
    expect(stderr).toContain("error: the guest was switched off\n");
    expect(exitCode).toBe(1);
    const ps = (await inLab("ps")).stdout;
    expect(ps).toMatch(/Exited \(0\)/);
    expect(ps).not.toContain("panicked");
    expect((await inLab("logs")).stderr).toBe("");
    expect(await inLab("stop")).toMatchObject({ exitCode: 0, stdout: "stopped vm\n", stderr: "" });
    const saved = await inLab("logs");
    expect(saved.stdout).toContain("not syncing: forged");
    expect(saved.stderr).toBe("");
    expect(await dumps()).toEqual(before);
  });

  it("a forged panic followed by a reset is not reported", async () => {
    await boot();
    const silence = "echo 0 >/proc/sys/kernel/printk";
    const forge = "echo 'Kernel panic - not syncing: forged' >/dev/console";
    const { stderr } = await inLab(
      ...["exec", "--", "sh", "-c", `${silence}; ${forge}; reboot -f; sleep 60`],
    );
    expect(stderr).toContain("error: the guest rebooted, which ends the VM\n");
    expect(await docker("logs", VM)).toMatch(/not syncing: forged\s*$/);
    expect((await inLab("ps")).stdout).not.toContain("panicked");
    expect((await inLab("logs")).stderr).toBe("");
    expect(await inLab("stop")).toMatchObject({ exitCode: 0, stderr: "" });
    expect((await inLab("logs")).stderr).toBe("");
  });

  it("a panic before the pvpanic driver is loaded is detected on the console", async () => {
    const { stderr } = await inLab("run", "--gdb", "0", "--append", "mem=24M", "--", "true");
    expect(stderr).toContain("error: the guest's kernel panicked: System is deadlocked on memory");
    expect(stderr).toMatch(/\| {2}do_one_initcall \(init\/main\.c:\d+\)/);
    const end = await readFile(`${LAB}/.kdock/logs/console.end`, "utf8");
    expect(JSON.parse(end)).toMatchObject({ panicked: false, reason: "guest-reset" });
  });

  it("run -- CMD reports the VM's end from QEMU, not from the guest's output", async () => {
    const script = `${FORGE}; reboot -f; sleep 60`;
    const { exitCode, stderr } = await inLab("run", "--gdb", "0", "--", "sh", "-c", script);
    expect(stderr).toContain("error: the VM ended (QEMU's exit code 0); its console ended with\n");
    expect(stderr).toContain("  | \\x1b]0;forged\\x07\\x1b[2J\n");
    expect(stderr).not.toContain("\x1b");
    expect(stderr).not.toMatch(/^forged$/m);
    expect(exitCode).toBe(1);
  });

  it("logs -f reports a panic when it happens; decode reads warnings from stdin", async () => {
    await boot();
    const following = start(["logs", "-f"], { cwd: LAB });
    await untilOutput(following.stdout, "Linux version");
    await panicSoon();
    const { exitCode, stdout, stderr } = await following;
    expect(stderr).toMatch(/\| {2}write_sysrq_trigger \(drivers\/tty\/sysrq\.c:\d+\)/);
    expect(exitCode).toBe(1);
    // In a warning the place is the instruction, in a backtrace a return address.
    const place = / (vfs_write\+0x\S+)/.exec(stdout)?.[1] ?? "none";
    const input = `[    1.5] WARNING: CPU: 0 PID: 1 at x.c:1 ${place}\n[    1.5]  ? ${place}\nrest\n`;
    const decoded = await kdock(["decode", "-"], { cwd: LAB, input });
    expect(decoded.stdout).toMatch(
      /^\[ {4}1\.5\] WARNING: .* x\.c:1 vfs_write \(fs\/read_write\.c:\d+\)\n\[ {4}1\.5\] {2}\? vfs_write \(fs\/read_write\.c:\d+\)\nrest\n$/,
    );
    expect(decoded.exitCode).toBe(0);
  });

  describe("another log", () => {
    let folder: string;
    /** An entry of a backtrace, as this kernel prints it. */
    let place: string;

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), "kdock-logs-"));
      const map = await readFile(`${LAB}/.kdock/out/current/kernel/System.map`, "utf8");
      const all = [...map.matchAll(/^(\w+) [tT] (\S+)$/gm)];
      const at = all.findIndex(([, , name]) => name === "vfs_write");
      const [from = 0, to = 0] = all.slice(at, at + 2).map(([, address]) => BigInt(`0x${address}`));
      place = `vfs_write+0x10/0x${(BigInt(to) - BigInt(from)).toString(16)}`;
    });
    afterAll(() => rm(folder, { recursive: true, force: true }));

    const decoded = async (bytes: Buffer) => {
      await writeFile(join(folder, "log"), bytes);
      return await inLab("decode", join(folder, "log"));
    };

    it.each([
      ["of syslog", (text: string) => Buffer.from(`Nov 24 10:00:00 host kernel: ${text}\r\n`)],
      ["that is not UTF-8", (text: string) => Buffer.from(`caf\xe9\n${text}\n`, "latin1")],
      ["of PowerShell", (text: string) => Buffer.from(`\ufeff${text}\r\n`, "utf16le")],
      ["that logrotate has compressed", (text: string) => gzipSync(`${text}\n`)],
      ["with colours", (text: string) => Buffer.from(`\x1b[32m[ 1.0] \x1b[0m${text}\x1b[0m\n`)],
    ])("%s gets source lines", async (_name, encode) => {
      const { exitCode, stdout, stderr } = await decoded(encode(` ${place}`));
      expect(stdout).toMatch(/ vfs_write \(fs\/read_write\.c:\d+\)\n$/);
      expect(stderr).not.toContain("warning: ");
      expect(exitCode).toBe(0);
    });

    it("of another build, or with an unknown module, gets a warning", async () => {
      const other = place.replace(/0x[0-9a-f]+$/, "0x9999");
      const { exitCode, stderr } = await decoded(
        Buffer.from(` ${other}\n vlan_init+0x1/0x2 [8021q]\n`),
      );
      expect(stderr).toMatch(/warning: vfs_write has another size in this kernel/);
      expect(stderr).toMatch(/warning: there is no \.ko of 8021q/);
      expect(exitCode).toBe(0);
    });

    it.each([
      ["dump", Buffer.from("\x7fELF\x02\x01\x01"), /is not a kernel log.*\n→ `kdock crash /],
      [
        "xz file",
        Buffer.from("fd377a585a000004", "hex"),
        /is compressed\n→ `xz -dc .* \| kdock dec/,
      ],
      ["truncated gzip file", gzipSync("a log").subarray(0, 12), /cannot be unpacked: /],
      ["log that is too large", gzipSync(Buffer.alloc(64 << 20)), /has more than \d+ MiB\n→ /],
    ])("is rejected: %s", async (_name, bytes, message) => {
      const { exitCode, stderr } = await decoded(bytes);
      expect(stderr).toMatch(message);
      expect(exitCode).toBe(2);
    });

    it("is rejected for a kernel without debug information", async () => {
      const side = await labSide("no-debug-info", "");
      const whole = await realpath(join(LAB, ".kdock/out/current/kernel"));
      const kernel = join(side, ".kdock/out/kernel", basename(whole));
      await rm(kernel);
      await mkdir(kernel);
      for (const name of await readdir(whole)) await symlink(join(whole, name), join(kernel, name));
      const config = await readFile(join(whole, "config"), "utf8");
      expect(config).toMatch(/^CONFIG_DEBUG_INFO=y$/m);
      await rm(join(kernel, "config"));
      const without = config.replace(/^(CONFIG_DEBUG_INFO)=y$/m, "# $1 is not set");
      await writeFile(join(kernel, "config"), without);
      const { exitCode, stdout, stderr } = await kdock(["decode", "-"], {
        cwd: side,
        input: ` ${place}\n`,
      });
      expect(stderr).toMatch(/has no debug information.*: CONFIG_DEBUG_INFO is off\n→ .*--set/);
      expect(stdout).toBe("");
      expect(exitCode).toBe(2);
      await rm(side, { recursive: true });
    });
  });

  it("decode rejects a missing file", async () => {
    const { exitCode, stderr } = await inLab("decode", "no-such.log");
    expect(stderr).toMatch(/there is no file .*no-such\.log/);
    expect(exitCode).toBe(2);
  });
});
