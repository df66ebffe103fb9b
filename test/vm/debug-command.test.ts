import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { CLI, docker, kdock, start } from "../support/kdock.js";
import { inGuest, LAB, LAB_NAMES, withGuest } from "../support/lab.js";
import { screen } from "../support/screen.js";

/** A shell's prompt, for root or another user. */
const PROMPT = /[#$]\s*$/;

const inLab = (...args: string[]) => kdock(args, { cwd: LAB });
const scripted = (input: string, ...args: string[]) =>
  kdock(["debug", ...args], { cwd: LAB, input });

async function expectGuestRuns(): Promise<void> {
  const { stdout } = await withGuest(LAB_NAMES.vmContainer, (session) =>
    inGuest(session, "ls / >/dev/null; echo alive"),
  );
  expect(stdout).toBe("alive\n");
}

const containers = (name: string) => docker("ps", "-q", "--filter", `name=^${name}$`);

describe("without a VM", () => {
  afterAll(() => inLab("stop"));

  it("--boot stops in boot code, and the VM ends with gdb", async () => {
    const { exitCode, stdout, stderr } = await scripted(
      "backtrace 1\nhbreak rest_init\ncontinue\n",
      ...["--boot", "start_kernel", "--gdb", "0"],
    );
    expect(stdout).toMatch(/^Breakpoint 1, start_kernel \(\) at .*init\/main\.c:\d+/m);
    expect(stdout).toMatch(/^Breakpoint 2, rest_init \(\)/m);
    expect(stderr).toContain("stopped the VM that this command started (--keep leaves it running)");
    expect(exitCode).toBe(0);
    expect(await docker("ps", "-aq", "--filter", `name=${LAB_NAMES.id}`)).toBe("");
  });

  it("boots a VM, which --keep leaves running", async () => {
    const flags = ["--keep", "--gdb", "0", "--exec", "ls"];
    const { exitCode, stdout, stderr } = await scripted("", "kernel_clone", ...flags);
    expect(stdout).toMatch(/^Breakpoint 1, kernel_clone \(/m);
    expect(stderr).toContain("the VM keeps running");
    expect(exitCode).toBe(0);
    await expectGuestRuns();
  });

  it.each([
    [[], /no place to stop at/],
    [["--boot", "start_kernel", "--exec", "ls"], /--exec needs a guest that has booted/],
  ])("rejects %j", async (args, message) => {
    const { exitCode, stderr } = await inLab("debug", ...args);
    expect(stderr).toMatch(message);
    expect(exitCode).toBe(2);
  });
});

describe("beside a running VM", () => {
  beforeAll(async () => {
    const { exitCode, stderr } = await inLab("run", "-d", "--gdb", "0");
    expect(exitCode, stderr).toBe(0);
  });
  afterEach(expectGuestRuns);
  afterAll(() => inLab("stop"));

  it("stops at a function by its older name, and reads gdb's commands from stdin", async () => {
    const { exitCode, stdout } = await scripted(
      "backtrace 2\nfinish\n",
      ...["_do_fork", "--exec", "ls /"],
    );
    expect(stdout).toMatch(/_do_fork is called kernel_clone since Linux 5\.10/);
    expect(stdout).toMatch(/^Breakpoint 1, kernel_clone \(args=/m);
    expect(stdout.match(/Run till exit/g)).toHaveLength(1);
    expect(stdout).not.toContain("]kdock;");
    expect(exitCode).toBe(0);
  });

  it("accepts a condition, several places, and arguments for gdb", async () => {
    const { exitCode, stdout } = await inLab(
      ...["debug", "icmp_rcv", "--break", "tcp_v4_rcv", "--if", "skb->len == 20"],
      ...["--exec", "wget -q -O- http://10.0.3.1/", "--"],
      ...["-batch", "-ex", "info breakpoints", "-ex", "print skb->len"],
    );
    expect(stdout).toMatch(/^1 +breakpoint +keep y .* in icmp_rcv/m);
    expect(stdout).toMatch(/stop only if skb->len == 20/);
    expect(stdout).toMatch(/^\$1 = 20$/m);
    expect(exitCode).toBe(0);
  });

  it("reports that the command hit no breakpoint", async () => {
    const { stdout, stderr } = await scripted("print 40 + 2\n", "icmp_rcv", "--exec", "exit 3");
    expect(stderr).toMatch(/^exit 3 exited with code 3, no breakpoint was hit/m);
    expect(stdout).toMatch(/= 42$/m);
  });

  it.each([
    [["tcp_v4_rvc"], /no function tcp_v4_rvc\n→ Did you mean tcp_v4_rcv/],
    [["tcp_v4_rcv", "--if", "skb->lenn"], /no member named lenn.*\n→ Did you mean len/],
    [["start_kernel"], /start_kernel is boot code.*\n→ .*kdock debug --boot/],
    [["--boot", "start_kernel"], /--boot is for a VM that has yet to boot.*\n→ .*kdock stop/],
  ])("rejects %j with a hint", async (args, message) => {
    const { exitCode, stderr } = await inLab("debug", ...args);
    expect(stderr).toMatch(message);
    expect(exitCode).toBe(2);
  });

  it("reports that gdb was killed, and resumes the guest", async () => {
    const first = start(["gdb", "--", "-ex", "break kernel_clone", "-ex", "continue"], {
      cwd: LAB,
    });
    await untilLogged(LAB_NAMES.gdbContainer, "Breakpoint 1 at");
    await docker("rm", "-f", LAB_NAMES.gdbContainer);
    const { exitCode, stderr } = await first;
    expect(stderr).toMatch(/gdb was killed \(exit code 137\): its breakpoints were removed/);
    expect(exitCode).toBe(137);
  });

  it("gdb ends when kdock is killed, and the guest continues", async () => {
    const first = start(["debug", "kernel_clone"], { cwd: LAB });
    await untilLogged(LAB_NAMES.gdbContainer, "Breakpoint 1 at");
    first.kill("SIGKILL");
    await first;
    await expect.poll(() => containers(LAB_NAMES.gdbContainer), { timeout: 20_000 }).toBe("");
    await expectGuestRuns();
    // The next session can connect.
    expect((await inLab("gdb", "--", "-batch")).exitCode).toBe(0);
  });
});

describe("on a terminal", () => {
  const { open, type, shows, close } = screen("debug");
  const debug = (...args: string[]) => type(`clear; node ${CLI} debug ${args.join(" ")}`, "Enter");

  beforeAll(async () => {
    await inLab("run", "-d", "--gdb", "0");
  });
  afterEach(close);
  afterAll(() => inLab("stop"));

  it("opens the prompt at the stop; quitting restores VM and terminal", async () => {
    await open(LAB);
    await debug("_do_fork", "--exec", "'ls /'");
    await shows(/Breakpoint 1, kernel_clone \([^]*\(gdb\) $/m);
    await type("print args->exit_signal", "Enter");
    await shows(/\$1 = 17/);
    await type("quit", "Enter");
    await shows(PROMPT);
    await type("stty -a | grep -o -w -e '-\\?icanon' | tr '\\n' '+'; echo done", "Enter");
    await shows(/^icanon\+done/m);
    await expectGuestRuns();
  });

  it("has a TUI, also for a terminal type without terminfo entry in the image", async () => {
    await open(LAB);
    await type(`TERM=unknown-terminal node ${CLI} debug kernel_clone --exec ls -- -tui`, "Enter");
    await shows(/fork\.c[^]*B\+> *\d+ +\{/);
    await type("quit", "Enter");
    await shows(PROMPT);
  });

  it("Ctrl-C opens the prompt when the command hit no breakpoint", async () => {
    await open(LAB);
    await debug("icmp_rcv", "--exec", "true");
    await shows(/true exited with code 0, no breakpoint was hit; Ctrl-C stops the guest/);
    await type("C-c");
    await shows(/Program received signal SIGINT[^]*\(gdb\) $/m);
    await type("quit", "Enter");
    await shows(PROMPT);
    await expectGuestRuns();
  });
});

async function untilLogged(container: string, what: string): Promise<void> {
  for (let tries = 0; tries < 300; tries += 1) {
    const id = await containers(container);
    if (id !== "" && (await docker("logs", id)).includes(what)) return;
    await sleep(100);
  }
  throw new Error(`${container} does not log ${what}`);
}
