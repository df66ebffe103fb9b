import { rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { projectNames } from "../../src/core/plan/names.js";
import { isRootScript, processesOf, reader, READERS } from "../support/container-processes.js";
import { LIMITS } from "../support/engine-limits.js";
import { docker, kdock, start, untilOutput } from "../support/kdock.js";
import { inGuest, LAB, withGuest } from "../support/lab.js";
import {
  callFrom,
  callFromGuest,
  CONTROL_ANSWER,
  CONTROL_PORT,
  listenInside,
  STUB_ANSWER,
  STUB_PORT,
} from "../support/stub.js";

/** Two guests of the lab; b has a static IPv4 configuration, without DHCP. */
const FILE = `ipv6-${process.pid}.yaml`;
const YAML = `
gdb: { listen: 0 }
vms:
  a: { ports: ["[::1]:0:8080"] }
  b: { memory: 256M, append: "kdock.ip=10.0.3.3/24,gw=10.0.3.254,dns=10.0.3.254" }
`;
/** The MTU of the VMs' network, which the test creates beforehand, so that `kdock down` keeps it. */
const MTU = 1400;
const NAMES = projectNames(LAB);
const A = NAMES.vmContainer("a");
const B = NAMES.vmContainer("b");

/** The outside: a network of the engine with IPv6, and a peer that sends every client its address. */
const OUTSIDE = `kdock-test-ipv6-${process.pid}`;
const PEER = `${OUTSIDE}-peer`;
const PREFIX = `fd00:${process.pid.toString(16).slice(-4)}:6b64:6::`;

const SERVED_SECONDS = LIMITS.noPortsOnLoopback6 ? 4 : 20;

const here = (...args: readonly string[]) => kdock(["-c", FILE, ...args], { cwd: LAB });
const guest = (container: string, script: string) =>
  withGuest(container, (session) => inGuest(session, script));
const defaultRoute = async (container: string) =>
  (await guest(container, "ip -6 route show default")).stdout;

beforeAll(async () => {
  await kdock(["down"], { cwd: LAB });
  await writeFile(join(LAB, FILE), YAML);
  const mtu = `com.docker.network.driver.mtu=${MTU}`;
  await docker("network", "create", "--label", "io.kdock.test=1", "-o", mtu, NAMES.network);
  const { exitCode, stderr } = await here("up");
  expect(exitCode, stderr).toBe(0);
});

afterAll(async () => {
  await here("down");
  await rm(join(LAB, FILE));
  // kdock does not remove a network that it did not create; it has removed its own between the VMs.
  const left = await docker(
    "network",
    "ls",
    "--format",
    "{{.Name}}",
    "-f",
    `name=${NAMES.network}`,
  );
  await docker("network", "rm", NAMES.network);
  expect(left).toBe(NAMES.network);
  await docker("rm", "-f", PEER).catch(() => undefined);
  await docker("network", "rm", OUTSIDE).catch(() => undefined);
});

it("each guest has its slot's address without delay, and its own gateway answers", async () => {
  const slots = [
    { container: A, address: "fd6b:646f:636b:3::2/64", gateway: "fd6b:646f:636b:3::1" },
    { container: B, address: "fd6b:646f:636b:3::3/64", gateway: "fd6b:646f:636b:3::254" },
  ];
  for (const { container, address, gateway } of slots) {
    const { stdout, exitCode } = await guest(
      container,
      `ip -6 -o addr show dev eth0; ping -6 -c 1 -W 5 ${gateway}`,
    );
    expect(exitCode, stdout).toBe(0);
    expect(stdout).toContain(address);
    expect(stdout).not.toContain("tentative");
    expect(await docker("exec", container, "ip", "-6", "addr", "show", "dev", "br0")).toContain(
      `${gateway}/64`,
    );
  }
  const { stdout } = await here("--json", "ps");
  expect(stdout).toContain('"address6":"fd6b:646f:636b:3::3"');
});

it("guests use the MTU of their container's uplink, with DHCP and with a static address", async () => {
  const facts =
    "cat /sys/class/net/eth0/mtu /proc/sys/net/ipv6/conf/eth0/mtu; cat /proc/cmdline >&2";
  for (const [container, other] of [
    [A, "b"],
    [B, "a"],
  ] as const) {
    const { stdout, stderr } = await guest(container, facts);
    expect(stdout).toBe(`${MTU}\n${MTU}\n`);
    expect(stderr).toContain(`kdock.mtu=${MTU} `);
    // Unfragmented, and in fragments.
    for (const bytes of [MTU - 28, MTU - 27, 1472, 4000]) {
      const pinged = await guest(container, `ping -c 1 -W 5 -s ${bytes} ${other}`);
      expect(pinged.exitCode, pinged.stdout).toBe(0);
    }
  }
  const lan = await docker("exec", A, "cat", `/sys/class/net/${LIMITS.lanInterface}/mtu`);
  expect(lan).toBe(String(MTU));
  // With a larger MTU the frame is lost.
  const wide = await guest(A, "ip link set eth0 mtu 1500; ping -c 1 -W 2 -s 1472 b; echo $?");
  expect(wide.stdout).toMatch(/^1$/m);
  // DHCP with the MTU option restores it.
  const asked = await guest(A, "udhcpc -i eth0 -n -q -O mtu; cat /sys/class/net/eth0/mtu");
  expect(asked.stdout).toMatch(new RegExp(`^${MTU}$`, "m"));
  expect((await guest(A, "ping -c 1 -W 5 -s 1472 b")).exitCode).toBe(0);
});

it.each([68, 300, 65_535])("an MTU of %i from a DHCP server is ignored", async (nonsense) => {
  // Restarts dnsmasq with the same arguments except the MTU.
  const again = `pid=$(cat /run/dnsmasq.pid)
    tr '\\0' '\\n' <"/proc/$pid/cmdline" | sed 's/^--dhcp-option=option:mtu,.*/--dhcp-option=option:mtu,'"$1"/ >/run/arguments
    sh /usr/local/lib/kdock/confine.sh --user kdock-dns kill "$pid"
    while [ -e "/proc/$pid" ]; do sleep 0.1; done
    IFS='
'; exec sh /usr/local/lib/kdock/confine.sh net_admin,net_raw,net_bind_service $(cat /run/arguments)`;
  const restart = (mtu: number) => docker("exec", A, "sh", "-c", again, "sh", String(mtu));
  await restart(nonsense);
  const { stdout } = await guest(
    A,
    "udhcpc -i eth0 -n -q -O mtu 2>&1; cat /sys/class/net/eth0/mtu; ping -c 1 -W 5 10.0.3.1",
  );
  await restart(MTU);
  expect(stdout).toContain(`the DHCP server's MTU ${nonsense} is ignored`);
  expect(stdout).toMatch(new RegExp(`^${MTU}$`, "m"));
  expect(stdout).toContain("1 packets received");
});

it("names resolve to IPv4 and IPv6 addresses, and guests reach each other by both", async () => {
  for (const [container, other, address] of [
    [A, "b", "fd6b:646f:636b:3::3"],
    [B, "a", "fd6b:646f:636b:3::2"],
  ] as const) {
    const { stdout, exitCode } = await guest(
      container,
      `nslookup ${other} && ping -6 -c 1 -W 5 ${other} && ping -4 -c 1 -W 5 ${other}`,
    );
    expect(exitCode, stdout).toBe(0);
    expect(stdout).toContain(`PING ${other} (${address})`);
    expect(stdout).toContain(`PING ${other} (10.0.3.`);
  }
});

it("each program that reads a guest's packets has its own user without root's capabilities, and works", async () => {
  const shaped = await here("net", "shape", "--vm", "a", "delay", "100ms");
  expect(shaped.exitCode, shaped.stderr).toBe(0);
  const capture = start(["-c", FILE, "capture", "--vm", "a", "icmp"], { cwd: LAB });
  await untilOutput(capture.stderr, "listening on");

  const processes = await processesOf((script) => docker("exec", A, "sh", "-c", script));
  const { dns, router, shape, capture: tcpdump, qemu } = READERS;
  const unprivileged = processes.filter((each) => !isRootScript(each));
  // The kernel shapes if it has sch_netem.
  const isStandIn = shaped.stderr.includes("stand-in");
  expect(unprivileged).toEqual([
    // net_admin: for the neighbour entry of a guest without an address.
    reader("dnsmasq", dns, ["net_admin"]),
    reader("guest-mux.pl", qemu),
    reader("qemu-system-x86_64", qemu),
    reader("router.pl", router),
    reader("run-qemu.pl", qemu),
    reader("sh", qemu),
    ...(isStandIn ? [reader("shape.pl", shape)] : []),
    reader("tcpdump", tcpdump),
  ]);

  // DHCP, a name by DNS after lan.sh's signal, frames that shape.pl delays, and tcpdump's count of them.
  const { stdout } = await guest(
    A,
    "cat /run/udhcpc.log; nslookup b 10.0.3.1; ping -c 3 -W 5 10.0.3.1",
  );
  expect(stdout).toMatch(/lease of 10\.0\.3\.2 obtained/);
  expect(stdout).toContain("Address: 10.0.3.3");
  expect(Number(/min\/avg\/max = ([\d.]+)/.exec(stdout)?.[1])).toBeGreaterThanOrEqual(100);
  capture.kill("SIGINT");
  const captured = await capture;
  expect(captured.stdout.match(/ICMP echo request/g)).toHaveLength(3);
  expect(captured.stderr).not.toContain("dropped privs");
  expect((await here("net", "shape", "--vm", "a", "off")).stdout).toContain("not shaped");
});

it("without an uplink there is no default route, and connections to the outside fail at once", async () => {
  expect(await defaultRoute(A)).toBe("");
  const begin = Date.now();
  const unreachable = await guest(A, "wget -T 20 http://[2001:db8::1]/");
  expect(unreachable.exitCode).not.toBe(0);
  expect(unreachable.stderr).toMatch(/unreachable/i);
  // With a route of its own, a guest gets the error from the gateway.
  const refused = await guest(
    A,
    "ip -6 route add 2001:db8::/64 via fd6b:646f:636b:3::1; wget -T 20 http://[2001:db8::2]/; " +
      "code=$?; ip -6 route del 2001:db8::/64; exit $code",
  );
  expect(refused.exitCode).not.toBe(0);
  expect(refused.stderr).toMatch(/unreachable|no route/i);
  expect(Date.now() - begin).toBeLessThan(10_000);
});

it("no guest reaches a gdbserver, its own or another's", async () => {
  for (const container of [A, B]) await listenInside(container);
  // With the link-local addresses of the gateways.
  const addresses = [
    "fd6b:646f:636b:3::1",
    "fd6b:646f:636b:3::254",
    "fe80::1%eth0",
    "fe80::254%eth0",
  ];
  for (const to of addresses) {
    expect((await guest(A, callFromGuest(to, CONTROL_PORT))).stdout, to).toContain(CONTROL_ANSWER);
    const stub = await guest(A, callFromGuest(to, STUB_PORT));
    expect(stub.stdout, to).not.toMatch(STUB_ANSWER);
    expect(stub.exitCode, to).not.toBe(0);
  }
});

it("a port that is published on the host's ::1 reaches the guest, if the engine supports it", async () => {
  const published = await docker("port", A, "8080/tcp");
  expect(published).toMatch(/^\[?::1\]?:\d+$/);
  const port = Number(published.split(":").at(-1));
  const server = guest(A, `timeout ${SERVED_SECONDS} nc -l -p 8080 -e echo hello`);
  const receive = () =>
    new Promise<string>((resolve) => {
      let received = "";
      const socket = connect(port, "::1");
      // Podman listens on the port and never answers, so the attempt has a timeout.
      socket.setTimeout(2000, () => socket.destroy());
      socket.on("data", (data) => (received += String(data)));
      socket.on("error", () => undefined);
      socket.on("close", () => {
        resolve(received);
      });
    });
  if (LIMITS.noPortsOnLoopback6) expect(await receive()).toBe("");
  else await expect.poll(receive, { timeout: 15_000, interval: 500 }).toBe("hello\n");
  await server;
});

it("a container that gets an uplink gives its own guest access by NAT66, and no other guest", async () => {
  await docker("network", "create", "--ipv6", "--subnet", `${PREFIX}/64`, OUTSIDE);
  const image = await docker("inspect", "-f", "{{.Config.Image}}", A);
  await docker(
    ...["run", "-d", "--name", PEER, "--network", OUTSIDE, "--label", "io.kdock.test=1"],
    ...["--entrypoint", "socat", image],
    ...["TCP6-LISTEN:8080,fork,reuseaddr,ipv6only=1", "SYSTEM:echo $SOCAT_PEERADDR"],
  );
  // A router advertisement restores it.
  const mtu6 = "/proc/sys/net/ipv6/conf/eth0/mtu";
  expect((await guest(A, `echo 1280 >${mtu6} && cat ${mtu6}`)).stdout).toBe("1280\n");
  await docker("network", "connect", OUTSIDE, A);
  await expect.poll(() => defaultRoute(A)).toContain("default via fe80::1 dev eth0");
  expect((await guest(A, `cat ${mtu6}`)).stdout).toBe(`${MTU}\n`);
  expect(await defaultRoute(B)).toBe("");

  const addressOf = (container: string) =>
    docker(
      ...["inspect", container, "-f"],
      `{{(index .NetworkSettings.Networks "${OUTSIDE}").GlobalIPv6Address}}`,
    );
  const [seen, peer] = [await addressOf(A), await addressOf(PEER)];
  const { stdout, exitCode } = await guest(
    A,
    `ping -6 -c 1 -W 5 ${peer} >/dev/null && nc -w 10 ${peer} 8080 </dev/null`,
  );
  expect(exitCode, stdout).toBe(0);
  expect(shortened(stdout.trim())).toBe(shortened(seen));
  // A container there does not reach the gdbserver.
  expect(await callFrom(PEER, `[${seen}]`, CONTROL_PORT)).toContain(CONTROL_ANSWER);
  expect(await callFrom(PEER, `[${seen}]`, STUB_PORT)).not.toMatch(STUB_ANSWER);

  // Starting another guest does not connect the outside network to the guests' bridge.
  expect((await here("run", "-d", "--name", "c", "--memory", "128M")).exitCode).toBe(0);
  const ports = await docker("exec", A, "ip", "-o", "link", "show", "master", "br0");
  expect(ports.match(/^\d+: [a-z0-9]+/gm)?.map((port) => port.split(" ")[1])).toEqual([
    "tap0",
    LIMITS.lanInterface,
  ]);
  expect((await guest(A, `ping -6 -c 1 -W 5 c && ping -6 -c 1 -W 5 ${peer}`)).exitCode).toBe(0);

  await docker("network", "disconnect", OUTSIDE, A);
  await expect.poll(() => defaultRoute(A)).toBe("");
});

/** The canonical form of an address. */
function shortened(address: string): string {
  return new URL(`http://[${address.replace(/^\[|\]$/g, "")}]/`).hostname;
}
