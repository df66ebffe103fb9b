import { readFile } from "node:fs/promises";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { execa } from "execa";
import { docker, kdock } from "../support/kdock.js";
import { inGuest, LAB, withGuest } from "../support/lab.js";

const VMLINUX = `${LAB}/.kdock/out/current/kernel/vmlinux`;

interface Detached {
  readonly container: string;
  readonly gdb: string;
}

async function startDetached(...flags: string[]): Promise<Detached> {
  const { stdout, stderr, exitCode } = await kdock(
    ["--json", "run", "-d", "--gdb", "0", ...flags],
    { cwd: LAB },
  );
  expect(exitCode, stderr + stdout).toBe(0);
  const events = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { type: string });
  const result = events.find((event) => event.type === "result");
  return (result as unknown as { data: Detached }).data;
}

function gdb(address: string, ...commands: string[]) {
  const args = ["-nx", "-batch", "-iex", "set auto-load safe-path /", VMLINUX];
  const all = [`target remote ${address}`, ...commands];
  return execa("gdb", [...args, ...all.flatMap((command) => ["-ex", command])], {
    stdin: "ignore",
    all: true,
    reject: false,
    timeout: 120_000,
  });
}

const stop = () => kdock(["stop"], { cwd: LAB });

describe("a running VM", () => {
  let vm: Detached;
  let port: string;

  beforeAll(async () => {
    await stop();
    vm = await startDetached("-p", "0:9090");
    port = (await docker("port", vm.container, "9090/tcp")).split("\n")[0] ?? "";
  });
  afterAll(stop);

  it("kdock.gdb connects to it from any folder", async () => {
    const script = `${LAB}/.kdock/out/current/kdock.gdb`;
    const words = ["-nx", "-batch", "-x", script, "-ex", "lx-version", "-ex", "detach"];
    const { all } = await execa("gdb", words, { cwd: "/", stdin: "ignore", all: true });
    expect(await readFile(script, "utf8")).toContain(`target remote ${vm.gdb}`);
    expect(all).toMatch(/^Linux version /m);
    expect(all).toContain("detached]");
    expect(all).not.toMatch(/declined|kdock: no/);
  });

  it("stops in tcp_v4_rcv when a real connection comes in, with ip_rcv's frames above it", async () => {
    const outcome = await withGuest(vm.container, async (session) => {
      const listener = inGuest(session, "echo hello | nc -l -p 9090");
      // Waits until the listener exists.
      await inGuest(session, "until netstat -ltn | grep -q :9090; do usleep 20000; done");
      const debugging = gdb(
        vm.gdb,
        "break tcp_v4_rcv",
        // gdb buffers its output to a pipe. From here on a peer may connect: the guest is stopped until `continue`.
        "python gdb.flush()",
        "continue",
        "backtrace",
        "lx-version",
        "detach",
      );
      await waitForGdb(debugging);
      const answer = readAll(port);
      const { all, exitCode } = await debugging;
      const received = await answer;
      return { all, exitCode, received, listener: await listener };
    });
    expect(outcome.exitCode, outcome.all).toBe(0);
    expect(outcome.all).toMatch(
      /Breakpoint 1, tcp_v4_rcv \(skb=0x[0-9a-f]+\) at .*net\/ipv4\/tcp_ipv4\.c:\d+/,
    );
    expect(outcome.all).toMatch(/ip_local_deliver_finish/);
    expect(outcome.all).toMatch(/\bip_(?:list_|sublist_)?rcv\b/);
    expect(outcome.all).toMatch(/Linux version 6\./);
    // After detach the guest continues and serves the connection.
    expect(outcome.received).toBe("hello\n");
    expect(outcome.listener.exitCode).toBe(0);
  });

  it("prevents a second VM of the same name", async () => {
    const port = vm.gdb.split(":").at(-1) ?? "1234";
    const { exitCode, stderr } = await kdock(["run", "-d", "--gdb", port], {
      cwd: LAB,
      env: { KDOCK_VM_MEMORY: "256M" },
    });
    expect(exitCode).toBe(2);
    expect(stderr).toContain("already running");
  });

  it("appears in ps with its gdb port, and its console in logs", async () => {
    const { stdout } = await kdock(["ps"], { cwd: LAB });
    expect(stdout).toMatch(/^vm +10\.0\.3\.2 /m);
    expect(stdout).toContain(vm.gdb);
    const logs = await kdock(["logs"], { cwd: LAB });
    expect(logs.stdout).toMatch(/Linux version 6\./);
    expect(logs.stdout).toMatch(/\{==DBG==\} Boot took [\d.]+ seconds/);
  });
});

describe("a paused VM", () => {
  afterAll(stop);

  it("is stopped at its first instruction, and continues from there", async () => {
    await stop();
    const { gdb: address } = await startDetached("--paused");
    const { all } = await gdb(
      address,
      "info registers rip",
      "hbreak start_kernel",
      "continue",
      "backtrace 1",
      "detach",
    );
    expect(all).toMatch(/rip\s+0xfff0/);
    expect(all).toMatch(/Breakpoint 1, start_kernel \(\) at .*init\/main\.c:\d+/);
    expect((await stop()).exitCode).toBe(0);
  });
});

/** Resolves when gdb has stopped the guest and set the breakpoint. */
function waitForGdb(debugging: ReturnType<typeof gdb>): Promise<void> {
  let seen = "";
  return new Promise((resolve, reject) => {
    debugging.all.on("data", (chunk) => {
      seen += String(chunk);
      if (seen.includes("Breakpoint 1 at")) resolve();
    });
    debugging.all.on("end", () => {
      reject(new Error(`gdb ended early: ${seen}`));
    });
  });
}

function readAll(address: string): Promise<string> {
  const [host = "", port = ""] = address.split(":");
  return new Promise((resolve, reject) => {
    let text = "";
    connect({ host, port: Number(port) })
      .setTimeout(60_000, () => {
        reject(new Error("the guest did not answer"));
      })
      .on("data", (chunk) => (text += String(chunk)))
      .on("error", reject)
      .on("end", () => {
        resolve(text);
      });
  });
}
