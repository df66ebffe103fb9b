import { once } from "node:events";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CLI, docker, kdock, run } from "../support/kdock.js";
import { inGuest, LAB, LAB_NAMES, withGuest } from "../support/lab.js";

const VM = LAB_NAMES.vmContainer;
const here = (...args: readonly string[]) => kdock(args, { cwd: LAB });
const inside = (...command: readonly string[]) => docker("exec", VM, ...command);
const guest = (script: string) => withGuest(VM, (session) => inGuest(session, script));

interface Finding {
  readonly verdict: string;
  readonly subject: string;
  readonly text: string;
  readonly mend?: string;
}

async function check() {
  const { exitCode, stdout, stderr } = await here("net", "check", "--json");
  expect(stderr).toBe("");
  const { data } = JSON.parse(stdout) as { data: { ok: boolean; vms: { findings: Finding[] }[] } };
  const findings = data.vms.flatMap((vm) => vm.findings);
  return { exitCode, ok: data.ok, findings, of: (subject: string) => of(findings, subject) };
}

function of(findings: readonly Finding[], subject: string): Finding {
  const found = findings.find((finding) => finding.subject === subject);
  if (found === undefined) throw new Error(`no finding about ${subject}`);
  return found;
}

/** Runs the command of a finding's fix, like a user who copies it into a shell. */
async function applyFix({ mend = "" }: Finding): Promise<void> {
  const [, command = ""] = /`([^`]+)`/.exec(mend) ?? [];
  await run("sh", "-c", `cd ${LAB} && ${command.replace(/^kdock /, `node ${CLI} `)}`);
}

beforeAll(async () => {
  await here("stop");
  const { exitCode, stderr } = await here(
    "run",
    "-d",
    "--gdb",
    "0",
    "-p",
    "0:80",
    "-p",
    "0:53/udp",
  );
  expect(exitCode, stderr).toBe(0);
});

afterAll(async () => {
  await here("stop");
});

it("every hop of a working VM is ok, with published ports and IPv6, and nothing is left", async () => {
  const { exitCode, stdout, stderr } = await here("net", "check");
  expect(exitCode, stdout + stderr).toBe(0);
  const subjects = stdout
    .trimEnd()
    .split("\n")
    .map((line) => line.slice(0, 18).trim());
  expect(subjects).toEqual([
    ...["ok    guest", "ok    gateway", "ok    container", "ok    NAT", "ok    way out"],
    ...["ok    to guest", "ok    host", "ok    host", "ok    DNS", "ok    MTU", "ok    IPv6"],
  ]);
  expect(stdout).toMatch(/host 127\.0\.0\.1:\d+\/tcp → guest :80: \d/);
  expect(stdout).toMatch(/host 127\.0\.0\.1:\d+\/udp → guest :53: \d/);
  expect(await docker("ps", "-aq", "--filter", `name=kdock-${LAB_NAMES.id}-check`)).toBe("");
  // The programs, not their timeout: busybox's has a process that checks once a second.
  expect((await guest("ps")).stdout).not.toMatch(/:\d\d (nc -l|udpsvd|ping)/);
});

describe("a fault is reported, and the suggested command fixes it", () => {
  const inContainer = (command: string) => () => inside("sh", "-c", command);
  it.each<[string, string, () => Promise<unknown>]>([
    ["gateway", "tap0 is not in the bridge", inContainer("ip link set tap0 nomaster")],
    [
      "container",
      "drops replies to the guest",
      inContainer("iptables -I FORWARD -o br0 -p icmp -j DROP"),
    ],
    [
      "NAT",
      "no MASQUERADE",
      inContainer("iptables -t nat -D POSTROUTING -s 10.0.3.0/24 ! -o br0 -j MASQUERADE"),
    ],
    ["MTU", "br0 has MTU 1300", inContainer("ip link set br0 mtu 1300")],
    ["container", "the guest has no default route", () => guest("ip route del default")],
    ["DNS", "no resolver", () => guest(": > /etc/resolv.conf")],
  ])("%s: %s", async (subject, text, breakIt) => {
    await breakIt();
    const { exitCode, ok, of } = await check();
    expect({ exitCode, ok }).toEqual({ exitCode: 1, ok: false });
    const found = of(subject);
    expect(found).toMatchObject({ verdict: "fail", text: expect.stringContaining(text) as string });
    await applyFix(found);
  });

  it("all hops are ok afterwards", async () => {
    const { exitCode, findings } = await check();
    expect(findings.filter(({ verdict }) => verdict !== "ok")).toEqual([]);
    expect(exitCode).toBe(0);
  });
});

it("a guest that a debugger has stopped is reported as such", async () => {
  const port = Number((await docker("port", VM, "1234/tcp")).split(":")[1]);
  const debug = connect(port, "127.0.0.1");
  await once(debug, "connect");
  const { exitCode, findings, of } = await check();
  expect(exitCode).toBe(1);
  expect(of("guest").text).toContain("stopped by a debugger");
  expect(findings.filter(({ verdict }) => verdict === "fail")).toHaveLength(1);
  // Detaches: the guest continues.
  debug.write("+$D#44");
  await once(debug, "data");
  debug.destroy();
  expect((await guest("true")).exitCode).toBe(0);
});

it("a panicked kernel exits with 1, a project without a VM with 2", async () => {
  const died = docker("wait", VM);
  void guest("echo c > /proc/sysrq-trigger").catch(() => undefined);
  await died;
  const panicked = await here("net", "check");
  expect(panicked.exitCode).toBe(1);
  expect(panicked.stderr).toContain("its kernel panicked: sysrq triggered crash");
  await here("stop");
  const { exitCode, stderr } = await here("net", "check");
  expect({ exitCode, stderr }).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining("this project has no VM") as string,
  });
});
