import { createHash, randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LIMITS } from "../support/engine-limits.js";
import { CLI, docker, kdock, start, untilOutput } from "../support/kdock.js";
import { inGuest, LAB, LAB_NAMES, withGuest } from "../support/lab.js";
import { screen } from "../support/screen.js";

const inLab = (...args: string[]) => kdock(args, { cwd: LAB });
const exec = (...command: string[]) => inLab("exec", "--", ...command);
const sh = (script: string) => exec("sh", "-c", script);

async function boot(): Promise<void> {
  const { exitCode, stderr } = await inLab("run", "-d", "--gdb", "0");
  expect(exitCode, stderr).toBe(0);
}

/** A pattern that matches the command line, but not its own process's. */
function notItself(pattern: string): string {
  return pattern.replace(/[a-z0-9]/, "[$&]");
}

/** Polls the guest until a process that matches exists (in this state, if given), or does not exist. */
async function untilProcess(pattern: string, exists: boolean, state = ""): Promise<void> {
  const script = 'for p in $(pgrep -f "$0"); do grep "^State:.$1" "/proc/$p/status"; done';
  for (let tries = 0; tries < 100; tries += 1) {
    const { stdout } = await exec("sh", "-c", script, notItself(pattern), state);
    if ((stdout !== "") === exists) return;
    await sleep(100);
  }
  throw new Error(`${pattern} ${exists ? "was not started" : "still runs"} in the guest`);
}

/** Size and checksum of a stream. */
async function digest(stream: AsyncIterable<Uint8Array>): Promise<{ bytes: number; md5: string }> {
  const hash = createHash("md5");
  let bytes = 0;
  for await (const chunk of stream) {
    hash.update(chunk);
    bytes += chunk.byteLength;
  }
  return { bytes, md5: hash.digest("hex") };
}

const terminal = screen("exec");

describe("without a VM", () => {
  beforeAll(() => inLab("stop"));

  it("exits with 2 and a hint how to start one", async () => {
    const { exitCode, stderr } = await exec("true");
    expect(stderr).toMatch(/this project has no VM\n→ Start one with `kdock run -d`/);
    expect(exitCode).toBe(2);
  });
});

describe("with a running guest", () => {
  beforeAll(boot);
  afterAll(async () => {
    await terminal.close();
    await inLab("stop");
  });

  it("separates stdout, stderr and exit code", async () => {
    expect(await sh("echo out; echo err >&2; exit 7")).toEqual({
      ...{ stdout: "out\n", stderr: "err\n", exitCode: 7 },
    });
  });

  it.each([
    ["nosuch", 127, "kdock: nosuch: No such file or directory\n"],
    ["/etc/passwd", 126, "kdock: /etc/passwd: Permission denied\n"],
  ])("reports why %s cannot be run, and exits with %i", async (command, exitCode, stderr) => {
    expect(await exec(command)).toEqual({ stdout: "", stderr, exitCode });
  });

  it("exits with 128 + N for signal N", async () => {
    expect((await sh("kill -9 $$")).exitCode).toBe(137);
  });

  it("passes --cwd and -e, and stdin only with -i", async () => {
    const script = 'pwd; echo "$A"; cat';
    const flags = ["--cwd", "/etc", "-e", "A=b c"];
    const { stdout } = await kdock(["exec", ...flags, "--", "sh", "-c", script], {
      cwd: LAB,
      input: "not passed on",
    });
    expect(stdout).toBe("/etc\nb c\n");
  });

  it("passes binary stdin and stdout through unchanged", async () => {
    const bytes = randomBytes(3_000_001);
    const running = start(["exec", "-i", "--", "cat"], {
      ...{ cwd: LAB, input: bytes, stream: true },
    });
    const { bytes: count, md5 } = await digest(running.stdout as AsyncIterable<Uint8Array>);
    expect({ count, md5 }).toEqual({
      count: bytes.length,
      md5: createHash("md5").update(bytes).digest("hex"),
    });
    expect((await running).exitCode).toBe(0);
  });

  it("lists the running VMs when the named one does not exist", async () => {
    const { exitCode, stderr } = await inLab("exec", "other", "--", "true");
    expect(stderr).toContain("this project has no VM other\n→ There is vm.");
    expect(exitCode).toBe(2);
    expect((await inLab("exec", "vm", "--", "true")).exitCode).toBe(0);
  });

  it("runs twenty commands at once, each with its own output", async () => {
    const all = Array.from({ length: 20 }, (_, n) => sh(`sleep 1; echo ${n}; exit ${n}`));
    expect((await Promise.all(all)).map(({ stdout, exitCode }) => [stdout, exitCode])).toEqual(
      Array.from({ length: 20 }, (_, n) => [`${n}\n`, n]),
    );
  });

  it("runs a hundred commands at once in one session", async () => {
    const outcomes = await withGuest(LAB_NAMES.vmContainer, (session) =>
      Promise.all(
        Array.from({ length: 100 }, (_, n) =>
          inGuest(
            session,
            `echo $$ >> /tmp/here; until [ $(wc -l < /tmp/here) = 100 ]; do sleep 1; done; exit ${n}`,
          ),
        ),
      ),
    );
    expect(outcomes.map(({ exitCode }) => exitCode)).toEqual(
      Array.from({ length: 100 }, (_, n) => n),
    );
    await exec("rm", "/tmp/here");
  });

  it("is not blocked by a command whose output is not read", async () => {
    const stuck = start(["exec", "--", "yes"], { cwd: LAB, stream: true });
    stuck.stdout.pause();
    await untilProcess("^yes", true);
    expect((await exec("echo", "on")).stdout).toBe("on\n");
    stuck.kill("SIGKILL");
    await stuck;
    if (LIMITS.keepsInputAfterReset) {
      await untilProcess("^yes", true, "S");
      await exec("pkill", "yes");
    }
    await untilProcess("^yes", false);
  });

  // May take minutes on a machine under load.
  it("serves other commands while one waits for trace_pipe", async () => {
    await sh("[ -e /sys/kernel/tracing/trace_pipe ] || mount -t tracefs none /sys/kernel/tracing");
    const waiting = start(["exec", "--", "cat", "/sys/kernel/tracing/trace_pipe"], { cwd: LAB });
    await untilProcess("cat /sys/kernel/tracing/trace_pipe", true, "S");
    const traced = untilOutput(waiting.stdout, "a marker");
    await sh("echo a marker > /sys/kernel/tracing/trace_marker");
    await traced;
    expect((await exec("echo", "served")).stdout).toBe("served\n");
    waiting.kill("SIGINT");
    await waiting;
  });

  it("transfers 256 MiB without loss, in constant memory", async () => {
    const piece = randomBytes(16 << 20);
    const times = 16;
    await kdock(["exec", "-i", "--", "sh", "-c", "cat > /tmp/piece"], { cwd: LAB, input: piece });
    const script = `for n in $(seq ${times}); do cat /tmp/piece; done`;
    const running = start(["exec", "--", "sh", "-c", script], { cwd: LAB, stream: true });
    let peak = 0;
    const watch = setInterval(() => {
      void readFile(`/proc/${running.pid}/status`, "utf8").then(
        (status) => (peak = Math.max(peak, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0))),
        () => undefined,
      );
    }, 200);
    const here = createHash("md5");
    for (let n = 0; n < times; n += 1) here.update(piece);
    const found = await digest(running.stdout as AsyncIterable<Uint8Array>);
    clearInterval(watch);
    expect(found).toEqual({ bytes: times * piece.length, md5: here.digest("hex") });
    expect(peak).toBeGreaterThan(0);
    expect(peak).toBeLessThan(200_000);
  }, 1_800_000);

  it("Ctrl-C ends the command in the guest, even if it ignores SIGINT", async () => {
    for (const script of ["exec sleep 4711", "trap '' INT; sleep 4711; sleep 4711"]) {
      const running = start(["exec", "--", "sh", "-c", `echo begun; ${script}`], { cwd: LAB });
      await once(running.stdout, "data");
      running.kill("SIGINT");
      const { exitCode, stderr } = await running;
      expect(stderr).toBe("kdock: interrupted\n");
      expect(exitCode).toBe(130);
      await untilProcess("4711", false);
    }
  });

  it("the command in the guest ends when kdock is killed", async () => {
    const running = start(["exec", "--", "sleep", "4712"], { cwd: LAB });
    await untilProcess("4712", true);
    running.kill("SIGKILL");
    await untilProcess("4712", false);
  });

  it("ends when its stdout is closed", async () => {
    const { stdout } = await execa("sh", ["-c", `node ${CLI} exec -- yes | head -n 1`], {
      cwd: LAB,
    });
    expect(stdout).toBe("y");
    await untilProcess("^yes", false);
  });

  it("reports a guest that a debugger has stopped, and continues with it", async () => {
    const address = (await docker("port", LAB_NAMES.vmContainer)).split(" -> ")[1] ?? "";
    const wait = "shell echo attached; read line";
    const commands = [`target remote ${address}`, wait, "detach"];
    const args = ["-nx", "-batch", ...commands.flatMap((command) => ["-ex", command])];
    const debugger_ = execa("gdb", args, { reject: false, stdin: "pipe" });
    await untilOutput(debugger_.stdout, "attached");
    const waiting = start(["exec", "--", "echo", "on"], { cwd: LAB });
    await untilOutput(waiting.stderr, "stopped by a debugger");
    debugger_.stdin.end("go\n");
    const { stdout, stderr, exitCode } = await waiting;
    await debugger_;
    expect(stderr).toBe("the guest is stopped by a debugger; this goes on when the guest does\n");
    expect({ stdout, exitCode }).toEqual({ stdout: "on\n", exitCode: 0 });
  });

  it("-it runs a shell with job control and the terminal's size", async () => {
    await terminal.open(LAB);
    await terminal.type(`node ${CLI} exec -it`, "Enter");
    await terminal.shows(/[#$] ?$/m);
    await terminal.type("stty size; echo $TERM", "Enter");
    await terminal.shows(/^40 120$/m);
    await terminal.resize(100, 30);
    await terminal.type(
      "until stty size | grep -q '30 100'; do usleep 100000; done; echo size-$((40+2))",
      "Enter",
    );
    await terminal.shows(/^size-42/m);
    // Ctrl-Z and Ctrl-C are passed to the guest.
    await terminal.type("sleep 1000", "Enter");
    await untilProcess("sleep 1000", true);
    await terminal.type("C-z");
    await terminal.shows(/Stopped.*sleep 1000/);
    await terminal.type("fg", "Enter");
    await untilProcess("sleep 1000", true, "S");
    await terminal.type("C-c");
    await terminal.type("echo alive-$((40+2))", "Enter");
    await terminal.shows(/^alive-42/m);
    await terminal.type("exit 5", "Enter");
    await terminal.shows(/^bash-[\d.]+[#$] ?$/m);
    await terminal.type("echo code-$?; stty -a | grep -c ' icanon '", "Enter");
    await terminal.shows(/^code-5\n1$/m);

    await terminal.type(`clear; node ${CLI} exec -it -- sleep 4713`, "Enter");
    await untilProcess("4713", true);
    await terminal.type("C-]");
    await terminal.shows(/left; the command in the guest is hung up on/);
    await untilProcess("4713", false);
  });
});

describe("a guest that ends or boots", () => {
  it.each([
    ["poweroff -f", /the guest was switched off\n→ `kdock run -d` starts it anew/],
    ["reboot -f", /the guest rebooted, which ends the VM/],
    ["echo c > /proc/sysrq-trigger", /the guest's kernel panicked/],
  ])("%s is reported with exit code 1", async (script, message) => {
    await boot();
    const [waiting, cause] = [start(["exec", "--", "sleep", "600"], { cwd: LAB }), "sleep 600"];
    await untilProcess(cause, true);
    await sh(`${script}; sleep 60`);
    const { exitCode, stderr } = await waiting;
    expect(stderr).toMatch(message);
    expect(exitCode).toBe(1);
    expect((await exec("true")).exitCode).toBe(1);
    await inLab("stop");
  });

  it("exec waits for a booting guest", async () => {
    await inLab("run", "-d", "--gdb", "0", "--paused");
    const waiting = start(["exec", "--", "echo", "ready"], { cwd: LAB });
    await once(waiting.stderr, "data");
    const address = (await docker("port", LAB_NAMES.vmContainer)).split(" -> ")[1] ?? "";
    await execa("gdb", ["-nx", "-batch", "-ex", `target remote ${address}`, "-ex", "detach"]);
    const { stdout, stderr, exitCode } = await waiting;
    expect(stderr).toMatch(/stopped by a debugger/);
    expect({ stdout, exitCode }).toEqual({ stdout: "ready\n", exitCode: 0 });
    await inLab("stop");
  });
});
