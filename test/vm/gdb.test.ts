import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { docker, kdock, start } from "../support/kdock.js";
import { inGuest, LAB, LAB_NAMES, withGuest } from "../support/lab.js";

const inLab = (...args: string[]) => kdock(args, { cwd: LAB });
const trap = (...args: string[]) => inLab("--json", "trap", ...args);

interface Trapped {
  readonly stops: readonly { note: string; locations: readonly { function: string }[] }[];
  readonly hits: readonly {
    readonly function: string;
    readonly file: string;
    readonly args: readonly { name: string; value: string }[];
    readonly locals: readonly { name: string }[];
    readonly prints: readonly { expression: string; value?: string; error?: string }[];
    readonly backtrace: readonly { function: string }[];
  }[];
  readonly reason: string;
  readonly why: readonly { text: string }[];
}

function resultOf(stdout: string): Trapped {
  const events = stdout
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as { type: string; data: Trapped });
  const result = events.find(({ type }) => type === "result");
  if (result === undefined) throw new Error(`no result in ${stdout}`);
  return result.data;
}

/** The guest answers within the session's timeout. */
async function expectGuestRuns(first = ""): Promise<void> {
  const answer = await withGuest(LAB_NAMES.vmContainer, (session) =>
    inGuest(session, `${first}echo on`),
  );
  expect(answer.stdout).toBe("on\n");
}

describe("without a VM", () => {
  beforeAll(() => inLab("stop"));

  it("kdock gdb exits with 2 and a hint how to start one", async () => {
    const { exitCode, stderr } = await inLab("gdb", "--", "-batch");
    expect(stderr).toMatch(/has no VM\n→ Start one with `kdock run`/);
    expect(exitCode).toBe(2);
  });

  it("kdock trap boots a VM, and stops it afterwards", async () => {
    const { exitCode, stdout } = await trap("kernel_clone", "--exec", "ls", "--gdb", "0");
    expect(resultOf(stdout).hits[0]?.function).toBe("kernel_clone");
    expect(exitCode).toBe(0);
    expect(await docker("ps", "-aq", "--filter", `name=${LAB_NAMES.vmContainer}`)).toBe("");
  });
});

describe("a VM without a gdbserver", () => {
  beforeAll(() => inLab("run", "-d", "--no-gdb"));
  afterAll(() => inLab("stop"));

  it("is reported", async () => {
    const { exitCode, stderr } = await inLab("gdb", "--", "-batch");
    expect(stderr).toMatch(/started without a gdbserver/);
    expect(exitCode).toBe(2);
  });
});

describe("beside a running VM", () => {
  beforeAll(async () => {
    const { exitCode, stderr } = await inLab("run", "-d", "--gdb", "0");
    expect(exitCode, stderr).toBe(0);
  });
  afterAll(() => inLab("stop"));

  it("kdock gdb has symbols, sources and the kernel's commands", async () => {
    const commands = ["lx-version", "list tcp_v4_rcv", "kdock-check", "info line start_kernel"];
    const { exitCode, stdout } = await inLab(
      ...["gdb", "--", "-batch", ...commands.flatMap((command) => ["-ex", command])],
    );
    expect(stdout).toMatch(/^Linux version 6\./m);
    expect(stdout).toMatch(/^\d+\s+int tcp_v4_rcv\(struct sk_buff \*skb\)/m);
    expect(stdout).toMatch(/"\/src\/init\/main\.c" starts at address 0xffffffff/);
    expect(stdout).not.toMatch(/No such file|Python Exception|error:/i);
    expect(exitCode).toBe(0);
    await expectGuestRuns();
  });

  it("kdock gdb reads commands from stdin", async () => {
    const { exitCode, stdout } = await kdock(["gdb"], {
      cwd: LAB,
      input: "print init_task.comm\nlx-cmdline\n",
    });
    expect(stdout).toMatch(/"swapper/);
    expect(stdout).toMatch(/nokaslr/);
    expect(exitCode).toBe(0);
  });

  it("kdock trap stops in the fork path by its older name", async () => {
    const { exitCode, stdout } = await trap("_do_fork", "--exec", "ls /", "--args", "--bt");
    const { stops, hits } = resultOf(stdout);
    expect(stops[0]?.note).toMatch(/kernel_clone since Linux 5\.10/);
    expect(hits[0]).toMatchObject({ function: "kernel_clone", file: "/src/kernel/fork.c" });
    expect(hits[0]?.args).toEqual([
      { name: "args", value: expect.stringMatching(/^0x/) as string },
    ]);
    expect(hits[0]?.backtrace.map((frame) => frame.function)).toContain("do_syscall_64");
    expect(exitCode).toBe(0);
    await expectGuestRuns();
  });

  it("kdock trap stops in tcp_v4_rcv on a connection to nc in the guest, with arguments and locals", async () => {
    const script =
      "nc -l -p 9090 & until netstat -ltn | grep -q :9090; do usleep 20000; done; echo hi | nc 127.0.0.1 9090";
    const { exitCode, stdout } = await trap(
      ...["tcp_v4_rcv", "--exec", script, "--bt", "--args", "--locals"],
      ...["--print", "skb->len", "--print", "skb->dev->name", "--count", "3"],
    );
    const { hits, reason } = resultOf(stdout);
    expect(reason).toBe("count");
    expect(hits).toHaveLength(3);
    for (const hit of hits) {
      expect(hit.args[0]?.name).toBe("skb");
      expect(hit.locals.map(({ name }) => name)).toContain("th");
      expect(Number(hit.prints[0]?.value)).toBeGreaterThanOrEqual(20);
      expect(hit.prints[1]?.value).toMatch(/^"lo"/);
      expect(hit.backtrace.map((frame) => frame.function)).toContain("ip_local_deliver_finish");
    }
    expect(exitCode).toBe(0);
    await expectGuestRuns();
  });

  it.each([
    ["tcp_v4_rvc", [], /no function tcp_v4_rvc\n→ Did you mean tcp_v4_rcv/],
    [
      "tcp_v4_rcv",
      ["--print", "skb->lenn"],
      /skb->lenn: .*no member named lenn.*\n→ Did you mean len/,
    ],
  ])(
    "kdock trap suggests similar names for %s %j, and does not stop the guest",
    async (place, flags, message) => {
      const { exitCode, stderr } = await inLab("trap", place, ...flags);
      expect(stderr).toMatch(message);
      expect(exitCode).toBe(2);
      await expectGuestRuns();
    },
  );

  it("kdock trap explains a missing hit, and leaves the guest running", async () => {
    const { exitCode, stdout } = await trap("icmp_rcv", "--timeout", "1");
    expect(resultOf(stdout).reason).toBe("timeout");
    expect(resultOf(stdout).why[0]?.text).toMatch(/nothing called icmp_rcv in/);
    expect(exitCode).toBe(1);
    await expectGuestRuns();
  });

  it("a second debugger is rejected; a killed one leaves no breakpoint and no stopped guest", async () => {
    // vfs_rmdir is not called by itself: gdb without a terminal would end at its first stop.
    const waiting = ["gdb", "--", "-ex", "break vfs_rmdir", "-ex", "continue"];
    const first = start(waiting, { cwd: LAB });
    const container = await untilArmed(LAB_NAMES.gdbContainer);
    const second = await inLab("gdb", "--", "-batch");
    expect(second.stderr).toContain(
      `another debugger is attached to this VM: ${LAB_NAMES.gdbContainer}`,
    );
    expect(second.exitCode).toBe(2);
    await docker("kill", container);
    expect((await first).exitCode).toBe(137);
    // Would stop at the breakpoint if it were still set.
    await expectGuestRuns("mkdir /tmp/removed && rmdir /tmp/removed && ");
  });
});

async function untilArmed(name: string): Promise<string> {
  for (let tries = 0; tries < 300; tries += 1) {
    const id = await docker("ps", "-q", "--filter", `name=^${name}$`);
    const log = id === "" ? "" : await docker("logs", id);
    if (log.includes("Breakpoint 1 at")) return id;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${name} has set no breakpoint`);
}
