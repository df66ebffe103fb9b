import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { projectNames } from "../../src/core/plan/names.js";
import { LIMITS } from "../support/engine-limits.js";
import { docker, kdock } from "../support/kdock.js";
import { inGuest, LAB, withGuest } from "../support/lab.js";
import {
  callByShell,
  callFrom,
  callFromGuest,
  callFromHere,
  CONTROL_ANSWER,
  CONTROL_PORT,
  listenInside,
  STUB_ANSWER,
  STUB_PORT,
} from "../support/stub.js";

/** In the lab's folder: the same project and artifacts, with two VMs. */
const FILE = `several-${process.pid}.yaml`;
const NAMES = projectNames(LAB);
const here = (...args: readonly string[]) => kdock(["-c", FILE, ...args], { cwd: LAB });
const guest = (vm: string, script: string) =>
  withGuest(NAMES.vmContainer(vm), (session) => inGuest(session, script));
const kdockThings = async () => [
  await docker("ps", "-aq", "--filter", `name=^/kdock-${NAMES.id}-vm`),
  await docker("network", "ls", "-q", "--filter", `name=^kdock-${NAMES.id}`),
];

beforeAll(async () => {
  await kdock(["down"], { cwd: LAB });
  await writeFile(join(LAB, FILE), "gdb: { listen: 0 }\nvms:\n  a:\n  b: { memory: 256M }\n");
  const { exitCode, stdout, stderr } = await here("up");
  expect(exitCode, stderr).toBe(0);
  expect(stdout).toMatch(/^a +ready .* 10\.0\.3\.2 +gdbserver on 127\.0\.0\.1:\d+$/m);
  expect(stdout).toMatch(/^b +ready .* 10\.0\.3\.3 +gdbserver on 127\.0\.0\.1:\d+$/m);
});

afterAll(async () => {
  await here("down");
  await rm(join(LAB, FILE));
});

it("guests reach each other by name with full-size frames", async () => {
  for (const [from, to] of [
    ["a", "b"],
    ["b", "a"],
  ] as const) {
    const { stdout, exitCode } = await guest(from, `hostname; ping -c 2 -W 5 -s 1472 ${to}`);
    expect(exitCode, stdout).toBe(0);
    expect(stdout).toMatch(new RegExp(`^${from}\n`));
  }
});

it("each guest has its own gateway to the outside", async () => {
  expect((await guest("a", "ip route")).stdout).toContain("default via 10.0.3.1 ");
  expect((await guest("b", "ip route")).stdout).toContain("default via 10.0.3.254 ");
  for (const vm of ["a", "b"]) {
    // The other VM's container is a host on the engine's network.
    const peer = vm === "a" ? "b" : "a";
    const format = `{{(index .NetworkSettings.Networks "${NAMES.network}").IPAddress}}`;
    const address = await docker("inspect", "-f", format, NAMES.vmContainer(peer));
    expect((await guest(vm, `ping -c 1 -W 5 ${address}`)).exitCode).toBe(0);
  }
});

it("the engine's host has no address in the network between VMs, if the engine supports it", async () => {
  const config = (what: string) =>
    docker("network", "inspect", "-f", `{{(index .IPAM.Config 0).${what}}}`, NAMES.lan);
  const [host, prefix] = [await config("Gateway"), (await config("Subnet")).split("/")[1]];
  const [net = ""] = /^.*\./.exec(host) ?? [];
  const own = (vm: string) => `${net}${vm === "a" ? 201 : 202}`;
  for (const vm of ["a", "b"]) await guest(vm, `ip addr add ${own(vm)}/${prefix} dev eth0`);
  const ping = async (address: string) =>
    (await guest("a", `ping -c 1 -W 3 -I ${own("a")} ${address}`)).exitCode;
  expect(await ping(own("b"))).toBe(0);
  expect((await ping(host)) === 0).toBe(LIMITS.hostOnLan);
  for (const vm of ["a", "b"]) await guest(vm, `ip addr del ${own(vm)}/${prefix} dev eth0`);
});

it("each VM has its own settings", async () => {
  const memory = async (vm: string) =>
    Number(/MemTotal: +(\d+)/.exec((await guest(vm, "cat /proc/meminfo")).stdout)?.[1]);
  expect(await memory("b")).toBeLessThan(256 * 1024);
  expect(await memory("a")).toBeGreaterThan(256 * 1024);
});

it("an ambiguous, unknown or used VM name is rejected", async () => {
  const stop = await here("stop");
  expect(stop.exitCode).toBe(2);
  expect(stop.stderr).toMatch(/several VMs: .*[ab] \(Up.*[ab] \(Up.*\n→ .*--vm NAME/);
  const unknown = await here("gdb", "--vm", "c");
  expect(unknown.exitCode).toBe(2);
  expect(unknown.stderr).toMatch(/no VM c\n→ There is /);
  const both = await here("stop", "a", "--vm", "b");
  expect(both.exitCode).toBe(2);
  expect(both.stderr).toContain("two VMs are named: b (with --vm) and a");
  const twice = await here("run", "-d", "--name", "a");
  expect(twice.exitCode).toBe(2);
  expect(twice.stderr).toContain("the VM a is already running");
});

it("--vm selects a VM, and so does its name as an argument", async () => {
  for (const named of [["--vm", "b"], ["b"], ["b", "--vm", "b"]]) {
    const { exitCode, stdout } = await here("exec", ...named, "--", "hostname");
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: "b\n" });
    expect((await here("logs", ...named)).stdout).toMatch(/Ctrl-\] leaves/);
  }
  for (const [to, ...flags] of [["b:/root/"], [":/root/", "--vm", "b"]] as const) {
    expect((await here("cp", FILE, to, ...flags)).exitCode).toBe(0);
    expect((await guest("b", `rm /root/${FILE}`)).exitCode).toBe(0);
  }
});

it("net check and net shape accept a VM's name as an argument", async () => {
  const check = await here("--json", "net", "check", "a");
  expect(check.stdout).toContain('"vm":"a"');
  expect(check.stdout).not.toContain('"vm":"b"');
  expect((await here("net", "shape", "b")).stdout).toBe("b: not shaped\n");
});

it("an unknown VM name is rejected and starts no VM", async () => {
  const file = `several-more-${process.pid}.yaml`;
  await writeFile(join(LAB, file), "gdb: { listen: 0 }\nvms: { a: {}, server: {} }\n");
  const trap = await kdock(["-c", file, "trap", "--vm", "servr", "kernel_clone"], { cwd: LAB });
  await rm(join(LAB, file));
  expect(trap.exitCode).toBe(2);
  expect(trap.stderr).toContain("no VM servr\n→ Did you mean server? There is a, b, server.");
});

it("--vm selects the VM to debug", async () => {
  const { stdout, stderr, exitCode } = await here(
    ...["trap", "--vm", "b", "__x64_sys_sethostname", "--exec", "hostname other"],
  );
  expect(exitCode, stderr).toBe(0);
  expect(stdout).toContain("hit 1:");
  expect((await guest("b", "hostname b; hostname")).stdout).toBe("b\n");
});

describe("the gdbstub of a VM", () => {
  const A = NAMES.vmContainer("a");
  const PEER = `kdock-test-several-${process.pid}`;
  const address = (container: string) =>
    docker(
      ...["inspect", container, "-f"],
      `{{(index .NetworkSettings.Networks "${NAMES.network}").IPAddress}}`,
    );
  let image = "";
  let eth0 = "";

  beforeAll(async () => {
    image = await docker("inspect", "-f", "{{.Config.Image}}", A);
    eth0 = await address(A);
    await docker(
      ...["run", "-d", "--name", PEER, "--network", NAMES.network, "--label", "io.kdock.test=1"],
      ...["--entrypoint", "sleep", image, "infinity"],
    );
    await listenInside(A);
    await listenInside(PEER);
  });
  afterAll(() => docker("rm", "-f", PEER));

  it("answers the published port and the debugger's container", async () => {
    const published = await docker("port", A, `${STUB_PORT}/tcp`);
    expect(published).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(await callFromHere("127.0.0.1", Number(published.split(":")[1]))).toMatch(STUB_ANSWER);
    const shared = [
      "run",
      "--rm",
      "--network",
      `container:${A}`,
      "--entrypoint",
      "sh",
      image,
      "-c",
    ];
    expect(await docker(...shared, callByShell("127.0.0.1", STUB_PORT))).toMatch(STUB_ANSWER);
  });

  it.each(["a", "b"])("does not answer the guest of VM %s on any address", async (vm) => {
    const addresses = [eth0, "10.0.3.1", "fd6b:646f:636b:3::1", "fe80::1%eth0"];
    for (const to of addresses) {
      const [stub, control] = [
        await guest(vm, callFromGuest(to, STUB_PORT)),
        await guest(vm, callFromGuest(to, CONTROL_PORT)),
      ];
      expect(control.stdout, to).toContain(CONTROL_ANSWER);
      expect(stub.stdout, to).not.toMatch(STUB_ANSWER);
      expect(stub.exitCode, to).not.toBe(0);
    }
    // The container's address, routed through its bridge.
    const around = `ip route add ${eth0} via 10.0.3.1; ${callFromGuest(eth0, STUB_PORT)}; ip route del ${eth0}`;
    expect((await guest(vm, around)).stdout).not.toMatch(STUB_ANSWER);
  });

  it("does not answer another container of the network", async () => {
    expect(await callFrom(PEER, eth0, CONTROL_PORT)).toContain(CONTROL_ANSWER);
    expect(await callFrom(PEER, eth0, STUB_PORT)).not.toMatch(STUB_ANSWER);
  });

  it("does not answer a container with the gateway's address, if that can be detected", async () => {
    const format = "{{(index .IPAM.Config 0).Gateway}}";
    const gateway = await docker("network", "inspect", "-f", format, NAMES.network);
    const spoof = (to: string, port: number) =>
      docker(
        ...["run", "--rm", "--network", NAMES.network, "--cap-add", "NET_ADMIN"],
        ...["--entrypoint", "sh", image, "-c"],
        `ip addr flush dev eth0; ip addr add ${gateway}/16 dev eth0; ${callByShell(to, port)}`,
      );
    // Another container answers the spoofed address.
    expect(await spoof(await address(PEER), CONTROL_PORT)).toContain(CONTROL_ANSWER);
    expect(STUB_ANSWER.test(await spoof(eth0, STUB_PORT))).toBe(LIMITS.gatewayCanBePosed);
  });
});

it("a VM that starts later resolves the others' names, and a stopped VM's name is removed", async () => {
  const { exitCode, stderr } = await here("run", "-d", "--name", "late", "--memory", "128M");
  expect(exitCode, stderr).toBe(0);
  expect((await guest("late", "ping -c 1 -W 5 a && ping -c 1 -W 5 b")).exitCode).toBe(0);
  expect((await guest("a", "ping -c 1 -W 5 late")).exitCode).toBe(0);
  expect((await here("stop", "late")).stdout).toBe("stopped late\n");
  expect((await guest("a", "nslookup late")).exitCode).not.toBe(0);
  expect((await guest("a", "ping -c 1 -W 5 b")).exitCode).toBe(0);
});

it("ps lists all VMs, and down removes containers and networks", async () => {
  const { stdout } = await here("ps");
  expect(stdout).toMatch(/^a +10\.0\.3\.2 /m);
  expect(stdout).toMatch(/^b +10\.0\.3\.3 /m);
  expect((await here("down")).exitCode).toBe(0);
  expect(await kdockThings()).toEqual(["", ""]);
});
