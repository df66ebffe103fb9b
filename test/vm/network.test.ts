import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { answerOf } from "../support/answer.js";
import { docker, kdock } from "../support/kdock.js";
import { inGuest, LAB, LAB_NAMES, withGuest } from "../support/lab.js";
import { callFromHere, STUB_ANSWER } from "../support/stub.js";

/** The outside: a second container on the VM's network, which sends every client its address. */
const PEER = `kdock-test-peer-${process.pid}`;
let vmAddress = "";
let peerAddress = "";

beforeAll(async () => {
  await kdock(["stop"], { cwd: LAB });
  // Two host ports for one of the guest, one that equals the gdbserver's, and the same number for UDP.
  const ports = ["0:8080", "127.0.0.2:0:8080", "0:1234", "0:1234/udp"];
  const flags = ports.flatMap((port) => ["-p", port]);
  const { exitCode, stderr } = await kdock(["run", "-d", "--gdb", "0", ...flags], { cwd: LAB });
  expect(exitCode, stderr).toBe(0);
  const image = await docker("inspect", "-f", "{{.Config.Image}}", LAB_NAMES.vmContainer);
  await docker(
    ...["run", "-d", "--name", PEER, "--network", LAB_NAMES.network, "--network-alias", "peer"],
    ...["--cap-add", "NET_ADMIN"],
    ...["--label", "io.kdock.test=1", "--entrypoint", "socat", image],
    ...["TCP-LISTEN:8080,fork,reuseaddr", "SYSTEM:echo $SOCAT_PEERADDR"],
  );
  vmAddress = await addressOf(LAB_NAMES.vmContainer);
  peerAddress = await addressOf(PEER);
});

afterAll(async () => {
  await docker("rm", "-f", PEER);
  await kdock(["stop"], { cwd: LAB });
});

const guest = (script: string) =>
  withGuest(LAB_NAMES.vmContainer, (session) => inGuest(session, script));

it("the guest has the default address 10.0.3.2 and reaches its gateway", async () => {
  expect((await guest("ip -4 -o addr show eth0")).stdout).toContain("10.0.3.2/24");
  expect((await guest("ping -c 1 -W 5 10.0.3.1")).exitCode).toBe(0);
});

it("a second container sees the VM container's address, never the guest's", async () => {
  const { stdout, exitCode } = await guest(`nc ${peerAddress} 8080 </dev/null`);
  expect(exitCode).toBe(0);
  expect(stdout.trim()).toBe(vmAddress);
});

it("container names resolve in the guest, by the engine's resolver", async () => {
  const { stdout, exitCode } = await guest("nc peer 8080 </dev/null");
  expect({ answer: stdout.trim(), exitCode }).toEqual({ answer: vmAddress, exitCode: 0 });
});

it("the container has the MASQUERADE rule, and tap0 in the bridge", async () => {
  const nat = await docker(
    "exec",
    LAB_NAMES.vmContainer,
    "iptables",
    "-t",
    "nat",
    "-S",
    "POSTROUTING",
  );
  expect(nat).toContain("-A POSTROUTING -s 10.0.3.0/24 ! -o br0 -j MASQUERADE");
  const links = await docker(
    "exec",
    LAB_NAMES.vmContainer,
    "ip",
    "-o",
    "link",
    "show",
    "master",
    "br0",
  );
  expect(links).toContain("tap0");
});

describe("forwarding", () => {
  const inPeer = (script: string) => docker("exec", PEER, "sh", "-c", script);
  const call = (address: string, port: number) =>
    inPeer(`socat -u TCP:${address}:${port},connect-timeout=3 - 2>&1 || true`);
  const serve = (port: number) =>
    `while :; do nc -l -p ${port} -e echo from ${port}; done </dev/null >/dev/null 2>&1 &
     until netstat -tln | grep -q ':${port} '; do sleep 0.1; done`;

  beforeAll(async () => {
    for (const port of [1234, 8080, 8081]) await guest(serve(port));
  });

  it("connects host ports to the guest's, and the gdb port to the gdbserver", async () => {
    const { stdout } = await kdock(["ps"], { cwd: LAB });
    const ports = [...stdout.matchAll(/(127\.0\.0\.[12]):(\d+)→(\d+)\/tcp/g)];
    expect(ports.map(([, host, , port]) => `${host ?? ""} ${port ?? ""}`).sort(), stdout).toEqual([
      "127.0.0.1 1234",
      "127.0.0.1 8080",
      "127.0.0.2 8080",
    ]);
    expect(stdout).toMatch(/127\.0\.0\.1:\d+→1234\/udp/);
    for (const [, host = "", port, inside] of ports) {
      expect(await answerOf(Number(port), host)).toBe(`from ${inside ?? ""}\n`);
    }
    const [, gdb] = /:(\d+)/.exec(await docker("port", LAB_NAMES.vmContainer, "1234/tcp")) ?? [];
    expect(await callFromHere("127.0.0.1", Number(gdb))).toMatch(STUB_ANSWER);
  });

  it("lets other containers connect to published ports, but not to the guest", async () => {
    expect((await call(vmAddress, 8080)).trim()).toBe("from 8080");
    await inPeer(`ip route add 10.0.3.2 via ${vmAddress}`);
    for (const port of [8080, 8081]) expect(await call("10.0.3.2", port)).not.toContain("from");
    // Both have a listener: the guest's container reaches them.
    for (const port of [8080, 8081]) {
      const own = ["exec", LAB_NAMES.vmContainer, "socat", "-u", `TCP:10.0.3.2:${port}`, "-"];
      expect((await docker(...own)).trim()).toBe(`from ${port}`);
    }
  });

  it("drops packets of the guest with a foreign source address", async () => {
    const echoes = async () => {
      const counts = await inPeer("grep ^Icmp: /proc/net/snmp");
      const [names = [], values = []] = counts.split("\n").map((line) => line.split(" "));
      return Number(values[names.indexOf("InEchos")]);
    };
    const format = "{{(index .IPAM.Config 0).Gateway}}";
    const gateway = await docker("network", "inspect", "-f", format, LAB_NAMES.network);
    const before = await echoes();
    const spoof = `ip addr add ${gateway}/32 dev eth0; ping -c 2 -W 1 -I ${gateway} ${peerAddress}; ip addr del ${gateway}/32 dev eth0`;
    await guest(spoof);
    expect((await guest(`ping -c 2 -W 5 ${peerAddress}`)).exitCode).toBe(0);
    expect(await echoes()).toBe(before + 2);
  });
});

async function addressOf(container: string): Promise<string> {
  const format = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
  return docker("inspect", "-f", format, container);
}
