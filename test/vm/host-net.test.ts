import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { projectNames } from "../../src/core/plan/names.js";
import { hostChanges, NO_CHANGES, NOTHING, readyForLab, remains } from "../support/host-state.js";
import { isRootScript, processesOf, reader, READERS } from "../support/container-processes.js";
import { kdock, start as startKdock, untilOutput } from "../support/kdock.js";
import { LAB } from "../support/lab.js";
import { MTU, type PrivateEngine, startPrivateEngine } from "../support/private-engine.js";
import {
  callByShell,
  callFromGuest,
  CONTROL_ANSWER,
  CONTROL_PORT,
  STUB_ANSWER,
  STUB_PORT,
} from "../support/stub.js";

/**
 * Mode "host": the guests' bridge is on the engine's machine. Here that is a private engine in its own network namespace,
 * with an uplink to another one. However the VMs end, the namespace is restored.
 */
const NAMES = projectNames(LAB);
let engine: PrivateEngine;
let before: Set<string>;
let folder: string;

const inLab = (...args: string[]) => kdock(args, { cwd: LAB, env: engine.env });
const changes = () => hostChanges(engine, before);
const left = () => remains(engine, before);
const soon = { timeout: 20_000, interval: 300 };

async function boot(name: string, ...flags: string[]): Promise<void> {
  const all = ["run", "-d", "--net", "host", "--gdb", "0", "--memory", "256M", "--name", name];
  const { exitCode, stderr } = await inLab(...all, ...flags);
  expect(exitCode, stderr).toBe(0);
}

async function guest(vm: string, script: string): Promise<string> {
  const { exitCode, stdout, stderr } = await inLab("exec", vm, "--", "sh", "-c", script);
  expect(exitCode, stdout + stderr).toBe(0);
  return stdout;
}

/** Node programs for the engine's host and the machine outside. */
const node = (program: string, ...args: string[]) => [process.execPath, "-e", program, ...args];
const ANSWER_ONCE = `const server = require("net").createServer((socket) => {
  console.log(socket.remoteAddress); socket.end("from outside\\n"); server.close(); }).listen(8080, "0.0.0.0");`;
const ASK = `const [port, host] = process.argv.slice(1); const limit = Date.now() + 10_000; ask();
function ask() { let reply = ""; require("net").connect(port, host).on("error", () => {})
  .on("data", (data) => reply += data).on("close", () => {
    if (reply !== "" || Date.now() > limit) process.stdout.write(reply); else setTimeout(ask, 200); }); }`;

beforeAll(async () => {
  await kdock(["down"], { cwd: LAB });
  folder = await mkdtemp(join(tmpdir(), "kdock-host-net-"));
  await writeFile(join(folder, "file"), "shared\n");
  engine = await startPrivateEngine();
  before = await readyForLab(engine);
});
afterAll(async () => {
  await inLab("down");
  await engine.close();
  await rm(folder, { recursive: true });
});
beforeEach(async () => {
  expect(await left()).toEqual(NOTHING);
});

it("guests are on the host's bridge, and use the host's address outside; a killed QEMU and docker rm restore the host", async () => {
  await boot("a", "-p", "127.0.0.1:8080:80", "--share", `${folder}:/mnt/x`);
  await boot("b");

  const meanwhile = (await changes()).more.join("\n");
  for (const fact of [
    /^ip link: .* br0: /m,
    /^ip link: .* tap0: .* master br0 /m,
    /^ip link: .* tap1: .* master br0 /m,
    /^ip addr: .* br0 +inet 10\.0\.3\.1\/24 /m,
    /^iptables: -A POSTROUTING -s 10\.0\.3\.0\/24 ! -o br0 -j MASQUERADE/m,
    /^iptables: -A FORWARD -s 10\.0\.3\.0\/24 -i br0 -j ACCEPT/m,
    /^iptables: -A FORWARD -s 172\.\S+ -d 10\.0\.3\.2\/32 -o br0 -p tcp -m tcp --dport 80 -j ACCEPT/m,
  ]) {
    expect(meanwhile).toMatch(fact);
  }
  expect((await changes()).gone).toEqual([]);

  // To the machine outside.
  const seen = engine.outside(...node(ANSWER_ONCE));
  const ask = "until nc -w 2 10.213.77.1 8080 </dev/null; do sleep 0.2; done";
  expect(await guest("a", ask)).toBe("from outside\n");
  expect(await seen).toBe("10.213.77.2");

  // Frames of the uplink's MTU, and larger packets in fragments.
  expect(await guest("a", "cat /sys/class/net/eth0/mtu")).toBe(`${MTU}\n`);
  await guest("a", `ping -c 1 -W 5 -s 1472 10.213.77.1 && ping -c 1 -W 5 -s ${MTU - 28} b`);

  // Captured before and after address translation.
  const captured = inLab(...["capture", "--vm", "a", "--side", "both", "--count", "4", "icmp"]);
  const ping = "for i in 1 2 3 4 5 6 7 8; do ping -c 1 -W 5 10.213.77.1; sleep 0.5; done";
  await guest("a", ping);
  const { stdout: packets } = await captured;
  expect(packets).toMatch(/ tap0 .* 10\.0\.3\.2 > 10\.213\.77\.1: ICMP echo request/);
  expect(packets).toMatch(/ eth0 .* 10\.213\.77\.2 > 10\.213\.77\.1: ICMP echo request/);

  // No program that reads a guest's packets on the host is root. host-net.pl reads from VMs' containers before QEMU starts,
  // and ignores later data.
  const watching = startKdock(["capture", "--vm", "a", "icmp"], { cwd: LAB, env: engine.env });
  await untilOutput(watching.stderr, "listening on");
  const onHost = await processesOf((script) =>
    engine.docker("exec", NAMES.hostNetContainer, "sh", "-c", script),
  );
  expect(onHost.filter((each) => !isRootScript(each) && each.name !== "host-net.pl")).toEqual([
    reader("dnsmasq", READERS.dns, ["net_admin"]),
    reader("tcpdump", READERS.capture),
  ]);
  watching.kill("SIGINT");
  await watching;
  const ofVm = await processesOf((script) =>
    engine.docker("exec", NAMES.vmContainer("b"), "sh", "-c", script),
  );
  expect(ofVm.filter((each) => !isRootScript(each))).toEqual(
    ["guest-mux.pl", "qemu-system-x86_64", "run-qemu.pl", "sh"].map((name) =>
      reader(name, READERS.qemu),
    ),
  );

  // The host, by the guest's address and by a published port.
  await guest("a", "while :; do nc -l -p 80 -e echo hello; done </dev/null >/dev/null 2>&1 &");
  expect(await engine.onHost(...node(ASK, "80", "10.0.3.2"))).toBe("hello");
  expect(await engine.onHost(...node(ASK, "8080", "127.0.0.1"))).toBe("hello");

  // The check's peer is reached through the host, and DNS is tested with the VMs' names.
  const checked = await inLab("net", "check", "a");
  expect(checked.exitCode, checked.stdout + checked.stderr).toBe(0);
  expect(checked.stdout).toMatch(/^ok +container .* 10\.0\.3\.1: answers over TCP/m);
  expect(checked.stdout).toMatch(/^ok +NAT .* sees 172\.\S+, not 10\.0\.3\.2$/m);
  expect(checked.stdout).toMatch(/^ok +DNS .* the guest's own name is 10\.0\.3\.2$/m);
  expect(checked.stdout).toMatch(/^ok +MTU +1400 everywhere; frames of that size pass$/m);
  expect(checked.stdout).toMatch(/^ok +VM b +guest → b: /m);
  expect(await engine.docker("ps", "-aq", "--filter", `name=kdock-${NAMES.id}-check`)).toBe("");

  // Guest to guest, and the shared folder.
  expect(await guest("b", "hostname; ping -c 1 -W 5 a >&2 && nc a 80 </dev/null")).toBe(
    "b\nhello\n",
  );
  expect(await guest("a", "cat /mnt/x/file")).toBe("shared\n");

  const pid = await engine.docker("inspect", "-f", "{{.State.Pid}}", NAMES.vmContainer("a"));
  await engine.onHost("kill", "-KILL", pid);
  const links = async () => (await engine.onHost("ip", "-o", "link")).match(/ (tap\d+):/g);
  await expect.poll(links, soon).toEqual([" tap1:"]);
  expect(await guest("b", "ping -c 1 -W 5 10.213.77.1 >&2; hostname")).toBe("b\n");

  await engine.docker("rm", "-f", NAMES.vmContainer("b"));
  await expect.poll(changes, soon).toEqual(NO_CHANGES);
  expect((await inLab("stop")).exitCode).toBe(0);
  expect(await left()).toEqual(NOTHING);
});

it("no guest reaches a gdbserver's port, containers reach published ports only, and stop restores the host", async () => {
  // Published on all addresses, so that the machine outside may connect.
  await boot("vm", "--gdb", "0.0.0.0:0", "-p", "127.0.0.1:0:8080");
  const vm = NAMES.vmContainer("vm");
  const inspect = (container: string, format: string) =>
    engine.docker("inspect", "-f", format, container);
  const image = await inspect(vm, "{{.Config.Image}}");
  const serve = (port: number) =>
    `socat TCP-LISTEN:${port},fork,reuseaddr SYSTEM:'head -c 1 >/dev/null; echo ${CONTROL_ANSWER}' </dev/null >/dev/null 2>&1 &
     until socat -u OPEN:/dev/null TCP:127.0.0.1:${port} 2>/dev/null; do sleep 0.1; done`;
  const inside = (container: string, script: string) =>
    engine.docker("exec", container, "sh", "-c", script);
  // In place of another project's VM: a gdbserver's port on another network of the engine.
  await engine.docker("network", "create", "other");
  for (const [name, network] of [
    ["kdock-other", "other"],
    ["kdock-near", "bridge"],
  ] as const) {
    await engine.docker(
      ...["run", "-d", "--name", name, "--network", network, "--entrypoint", "sleep"],
      ...[image, "infinity"],
    );
  }
  const address = (name: string) =>
    inspect(name, "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}");
  await inside("kdock-other", serve(STUB_PORT));
  for (const name of ["kdock-other", vm]) await inside(name, serve(CONTROL_PORT));
  for (const name of ["kdock-other", vm]) {
    const to = await address(name);
    expect(await guest("vm", callFromGuest(to, CONTROL_PORT)), name).toContain(CONTROL_ANSWER);
    const stub = await guest("vm", `${callFromGuest(to, STUB_PORT)} || echo no answer`);
    expect(stub, name).toMatch(/no answer\n$/);
    expect(stub, name).not.toMatch(STUB_ANSWER);
  }

  // Published on all addresses, the stub answers a machine on another link, but no guest or container.
  const published = /:(\d+)$/m.exec(await engine.docker("port", vm, `${STUB_PORT}/tcp`))?.[1] ?? "";
  const question = `const socket = require("net").connect(${published}, "10.213.77.2", () => socket.write("$qSupported#37+$D#44+"));
    socket.setTimeout(5000, () => socket.destroy()).on("error", () => {})
      .on("data", (data) => { process.stdout.write(data); if (String(data).includes("OK#")) socket.destroy(); });`;
  expect(await engine.outside(...node(question))).toMatch(STUB_ANSWER);
  const around = `${callFromGuest("10.213.77.2", Number(published))} || echo no answer`;
  expect(await guest("vm", around)).toMatch(/^(?!.*PacketSize)[^]*no answer\n$/);
  const own = await address(vm);
  expect(await inside("kdock-near", callByShell(own, CONTROL_PORT))).toContain(CONTROL_ANSWER);
  expect(await inside("kdock-near", callByShell(own, STUB_PORT))).not.toMatch(STUB_ANSWER);

  // The host would forward a container's packets to the guest.
  const answer = (port: number) =>
    `while :; do nc -l -p ${port} -e echo ${CONTROL_ANSWER}; done </dev/null >/dev/null 2>&1 &`;
  for (const port of [8080, 8081]) await guest("vm", answer(port));
  const call = (to: string, port: number) => inside("kdock-near", callByShell(to, port));
  await expect.poll(() => call(own, 8080), soon).toContain(CONTROL_ANSWER);
  expect(await engine.onHost(...node(ASK, "8081", "10.0.3.2"))).toContain(CONTROL_ANSWER);
  expect(await call("10.0.3.2", 8081)).not.toMatch(CONTROL_ANSWER);
  expect(await call("10.0.3.2", 8080)).not.toMatch(CONTROL_ANSWER);

  // The host has no IPv6 address on the bridge.
  expect(await engine.onHost("ip", "-6", "-o", "addr", "show", "dev", "br0")).toBe("");
  await engine.docker("rm", "-f", "kdock-other", "kdock-near");
  await engine.docker("network", "rm", "other");
  expect((await inLab("stop")).stdout).toBe("stopped vm\n");
  expect(await left()).toEqual(NOTHING);
});

it("kill -9 of kdock ends its VM, and the bridge is removed", async () => {
  const running = startKdock(["run", "--net", "host", "--gdb", "0"], { cwd: LAB, env: engine.env });
  let output = "";
  running.stdout.on("data", (chunk) => (output += String(chunk)));
  await expect.poll(() => output, { timeout: 60_000 }).toMatch(/Boot took/);
  expect((await changes()).more.join("\n")).toMatch(/ br0: /);
  running.kill("SIGKILL");
  await running;
  await expect.poll(left, soon).toEqual(NOTHING);
});

it("a restart of the engine removes the bridge", async () => {
  await boot("vm");
  await engine.restart();
  await expect.poll(changes, soon).toEqual(NO_CHANGES);
  expect((await inLab("stop")).stdout).toBe("stopped vm\n");
});

it("a subnet that the host has a route to is rejected", async () => {
  const args = ["run", "-d", "--net", "host", "--gdb", "0", "--subnet", "10.213.0.0/16"];
  const { exitCode, stderr } = await inLab(...args);
  expect(stderr).toMatch(/10\.213\.0\.0\/16 clashes with .*10\.213\.77\.0\/24/);
  expect(exitCode).toBe(3);
});

it("without /dev/net/tun kdock falls back to QEMU's network with a notice, and rejects mode host", async () => {
  await engine.onHost("mount", "-t", "tmpfs", "none", "/dev/net");
  try {
    const rejected = await inLab("run", "-d", "--net", "host", "--gdb", "0");
    expect(rejected.stderr).toMatch(/^error: .*\/dev\/net\/tun/m);
    expect(rejected.exitCode).toBe(3);
    expect(await left()).toEqual(NOTHING);
    const { exitCode, stderr } = await inLab("run", "-d", "--gdb", "0");
    expect(exitCode, stderr).toBe(0);
    expect(stderr).toMatch(/has no \/dev\/net\/tun .*going on with QEMU's own network/);
    expect(await guest("vm", "ip -4 -o addr show eth0")).toContain("10.0.3.2/24");
    // dockerd sets its MTU on Docker's default bridge only; kdock sets it on its network.
    const mtu = '{{index .Options "com.docker.network.driver.mtu"}}';
    expect(await engine.docker("network", "inspect", "-f", mtu, NAMES.network)).toBe(String(MTU));
    expect((await inLab("stop")).exitCode).toBe(0);
  } finally {
    await engine.onHost("umount", "/dev/net");
  }
});
