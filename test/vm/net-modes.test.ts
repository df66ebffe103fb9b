import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadConfig } from "../../src/config/layers.js";
import { projectNames } from "../../src/core/plan/names.js";
import { qemuArgs, startFacts } from "../../src/vm/plan/qemu-args.js";
import { machine, vmEnvironment } from "../../src/vm/plan/vm-plan.js";
import { answerOf } from "../support/answer.js";
import { LIMITS } from "../support/engine-limits.js";
import { docker, kdock } from "../support/kdock.js";
import { inGuest, LAB, withGuest } from "../support/lab.js";
import {
  callFrom,
  callFromGuest,
  callFromHere,
  CONTROL_ANSWER,
  CONTROL_PORT,
  listenInside,
  STUB_ANSWER,
  STUB_PORT,
} from "../support/stub.js";

/** Three guests of the lab, on a machine where another Docker network has the default 10.0.3.0/24. */
const FILE = `net-modes-${process.pid}.yaml`;
const YAML = `
gdb: { listen: 0 }
vm: { memory: 256M }
vms:
  b:
  u: { net: { mode: user }, ports: ["127.0.0.1:0:8080", "127.0.0.1:0:8080", "127.0.0.1:0:1234"] }
  n: { net: { mode: none } }
`;
const NAMES = projectNames(LAB);
const [B, U, N] = ["b", "u", "n"].map((name) => NAMES.vmContainer(name)) as [
  string,
  string,
  string,
];
const OTHER = `kdock-test-other-${process.pid}`;
const PEER = `${OTHER}-peer`;

const here = (...args: readonly string[]) => kdock(["-c", FILE, ...args], { cwd: LAB });
const guest = (container: string, script: string) =>
  withGuest(container, (session) => inGuest(session, script));
const addressOf = (container: string) =>
  docker("inspect", "-f", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", container);
const environmentOf = (container: string) =>
  docker("inspect", "-f", "{{range .Config.Env}}{{println .}}{{end}}", container);

let image = "";
let upOutput = "";

beforeAll(async () => {
  await kdock(["down"], { cwd: LAB });
  await writeFile(join(LAB, FILE), YAML);
  await docker("network", "create", "--subnet", "10.0.3.0/24", OTHER);
  const { exitCode, stdout, stderr } = await here("up");
  expect(exitCode, stderr).toBe(0);
  upOutput = stdout;
  image = await docker("inspect", "-f", "{{.Config.Image}}", U);
  await docker(
    ...["run", "-d", "--name", PEER, "--network", NAMES.network, "--network-alias", "peer"],
    ...["--label", "io.kdock.test=1", "--entrypoint", "socat", image],
    ...["TCP-LISTEN:8080,fork,reuseaddr", "SYSTEM:echo $SOCAT_PEERADDR"],
  );
});

afterAll(async () => {
  await docker("rm", "-f", PEER).catch(() => undefined);
  await here("down");
  await docker("network", "rm", OTHER);
  await rm(join(LAB, FILE));
});

describe("a subnet", () => {
  it("is chosen outside of Docker's networks by default, and shared by all guests", async () => {
    const [, subnet = ""] = /^b +ready .* (10\.0\.\d+)\.2 /m.exec(upOutput) ?? [];
    expect(subnet, upOutput).toMatch(/^10\.0\.\d+$/);
    expect(subnet).not.toBe("10.0.3");
    expect(upOutput).toContain(` ${subnet}.3 `);
    expect((await guest(B, "ip -4 -o addr show eth0")).stdout).toContain(`${subnet}.2/24`);
    expect((await guest(B, "nc peer 8080 </dev/null")).stdout.trim()).toBe(await addressOf(B));
  });

  it("that clashes with a Docker network is rejected with the network's name", async () => {
    const { exitCode, stderr } = await here("run", "-d", "--name", "c", "--subnet", "10.0.2.0/23");
    expect(stderr).toContain(
      `vm.net.subnet: 10.0.2.0/23 clashes with the Docker network ${OTHER} (10.0.3.0/24)`,
    );
    expect(stderr).toMatch(/→ Name another network, or none/);
    expect(exitCode).toBe(3);
    expect(await docker("ps", "-aq", "--filter", `name=${NAMES.vmContainer("c")}$`)).toBe("");
  });
});

describe("mode user", () => {
  it("has DNS and access to the outside, with the container's address", async () => {
    const { stdout, stderr, exitCode } = await guest(U, "hostname; nc peer 8080 </dev/null");
    expect(exitCode, stderr).toBe(0);
    expect(stdout).toBe(`u\n${await addressOf(U)}\n`);
  });

  it("is checked hop by hop", async () => {
    const { exitCode, stdout, stderr } = await here("net", "check", "--vm", "u");
    expect(exitCode, stdout + stderr).toBe(0);
    expect(stdout.match(/^ok +host +host 127\.0\.0\.1:\d+\/tcp → guest :8080: /gm)).toHaveLength(
      LIMITS.mergesEqualPorts ? 1 : 2,
    );
    expect(stdout).toMatch(/^ok +VM b +no network between them/m);
    expect(stdout).toContain(`the other container sees ${await addressOf(U)}, not`);
    expect(stdout).toMatch(/^ok +MTU /m);
  });

  it("publishes ports, one on two host ports, and one that equals the gdbserver's in the container", async () => {
    const serve = (port: number) =>
      `while :; do nc -l -p ${port} -e echo from ${port}; done </dev/null >/dev/null 2>&1 &`;
    await guest(U, serve(8080));
    await guest(U, serve(STUB_PORT));
    const { stdout } = await here("ps");
    const row = /^u .*$/m.exec(stdout)?.[0] ?? "";
    const ports = [...row.matchAll(/127\.0\.0\.1:(\d+)→(\d+)\/tcp/g)].map((match) => ({
      ...{ host: Number(match[1]), guest: Number(match[2]) },
    }));
    expect(
      ports.map((port) => port.guest).sort((a, b) => a - b),
      row,
    ).toEqual(LIMITS.mergesEqualPorts ? [1234, 8080] : [1234, 8080, 8080]);
    expect(new Set(ports.map(({ host }) => host)).size).toBe(ports.length);
    for (const port of ports) expect(await answerOf(port.host)).toBe(`from ${port.guest}\n`);
    const [, gdb] = /(\d+)$/m.exec(await docker("port", U, `${STUB_PORT}/tcp`)) ?? [];
    expect(await callFromHere("127.0.0.1", Number(gdb))).toMatch(STUB_ANSWER);
  });

  it("blocks the guest, other guests and containers from its gdbserver", async () => {
    await listenInside(U);
    const [, gateway = ""] = /^KDOCK_GATEWAY=([\d.]+)/m.exec(await environmentOf(U)) ?? [];
    const own = await addressOf(U);
    const attempts = [[U, gateway] as const, [U, own] as const, [B, own] as const];
    for (const [from, to] of attempts) {
      const control = await guest(from, callFromGuest(to, CONTROL_PORT));
      expect(control.stdout, to).toContain(CONTROL_ANSWER);
      const stub = await guest(from, `${callFromGuest(to, STUB_PORT)} || echo no answer`);
      expect(stub.stdout, to).toMatch(/no answer\n$/);
      expect(stub.stdout, to).not.toMatch(STUB_ANSWER);
    }
    expect(await callFrom(PEER, own, CONTROL_PORT)).toContain(CONTROL_ANSWER);
    expect(await callFrom(PEER, own, STUB_PORT)).not.toMatch(STUB_ANSWER);
    expect(await callFrom(U, "127.0.0.1", STUB_PORT)).toMatch(STUB_ANSWER);
  });

  it("has no tap, no bridge, and no network between VMs", async () => {
    expect(await docker("exec", U, "ls", "/sys/class/net")).not.toMatch(/tap|br0/);
    expect(await docker("inspect", "-f", "{{.HostConfig.Devices}}", U)).not.toContain("tun");
    expect(await docker("network", "ls", "-q", "--filter", `name=${NAMES.lan}`)).toBe("");
    const { exitCode, stderr } = await here("capture", "u");
    expect(stderr).toMatch(
      /no tap to capture on: its network mode is user\n→ Capture in the guest/,
    );
    expect(exitCode).toBe(1);
  });
});

describe("mode none", () => {
  it("has no network card, and /init does not complain", async () => {
    const { stdout, stderr } = await here("exec", "n", "--", "ls", "/sys/class/net");
    expect(stdout, stderr).toMatch(/^lo$/m);
    expect(stdout).not.toContain("eth0");
    const log = await here("logs", "n");
    expect(log.stdout).toMatch(/Boot took/);
    expect(log.stdout).not.toMatch(/^init: |kdock\.ip6/m);
    expect((await here("ps")).stdout).toMatch(/^n +- /m);
  });

  it("has a gdbserver that guests and containers cannot reach", async () => {
    const own = await addressOf(N);
    await listenInside(N);
    expect((await guest(B, callFromGuest(own, CONTROL_PORT))).stdout).toContain(CONTROL_ANSWER);
    expect((await guest(B, callFromGuest(own, STUB_PORT))).stdout).not.toMatch(STUB_ANSWER);
    expect(await callFrom(PEER, own, CONTROL_PORT)).toContain(CONTROL_ANSWER);
    expect(await callFrom(PEER, own, STUB_PORT)).not.toMatch(STUB_ANSWER);
    const { stdout, stderr, exitCode } = await here(
      ...["gdb", "--vm", "n", "--", "-batch", "-ex", "print init_task.comm"],
    );
    expect(exitCode, stderr).toBe(0);
    expect(stdout).toContain("swapper");
  });

  it("rejects published ports", async () => {
    const { exitCode, stderr } = await here("run", "-d", "--name", "c", "--net", "none", "-p80:80");
    expect(stderr).toMatch(/a guest without network \(vm\.net\.mode: none\) has no ports/);
    expect(exitCode).toBe(2);
  });
});

describe("start.sh, with arguments for a bridge", () => {
  /** QEMU's arguments, one per line, for start.sh's environment: as with compose.yaml, and on a machine without tun. */
  async function argumentsOf(
    environment: Readonly<Record<string, string>>,
    capability: readonly string[] = ["--cap-add", "NET_ADMIN"],
    paused = false,
  ) {
    const config = loadConfig({});
    const planned = machine(config, { paused, command: false });
    const facts = { ...vmEnvironment(config), ...startFacts(planned) };
    const all = { ...facts, KDOCK_GUEST_MUX: "", ...environment };
    const fake = `printf '#!/bin/sh\\nprintf "%%s\\\\n" "$@"\\n' > /usr/local/bin/qemu-system-x86_64
      chmod +x /usr/local/bin/qemu-system-x86_64; exec sh /usr/local/lib/kdock/start.sh "$@"`;
    const output = await docker(
      ...["run", "--rm", ...capability],
      ...Object.entries(all).flatMap(([name, value]) => ["-e", `${name}=${value}`]),
      ...["--entrypoint", "sh", image, "-c", fake, "sh"],
      ...qemuArgs(planned),
    );
    return output.split("\n");
  }

  it("starts no gdbserver if its port cannot be closed to the guest", async () => {
    for (const mode of ["user", "none"]) {
      const closed = await argumentsOf({ KDOCK_NET_MODE: mode });
      expect(closed[closed.indexOf("-gdb") + 1]).toBe("tcp::1234");
      const open = await argumentsOf({ KDOCK_NET_MODE: mode }, []);
      expect(open).not.toContain("-gdb");
      expect(open).not.toContain("tcp::1234");
      expect(open.join("\n")).toMatch(/\[kdock\] gdbserver: off, because .* NET_ADMIN \(.*\)/);
      const paused = await argumentsOf({ KDOCK_NET_MODE: mode }, [], true).catch(String);
      expect(String(paused)).toMatch(/error: no gdbserver, and the guest was to wait/);
    }
  });

  it("closes the gdbserver's port by a mapped group in a user namespace, as with a rootless engine", async () => {
    const config = loadConfig({});
    const planned = machine(config, { paused: false, command: false });
    const facts = { ...vmEnvironment(config), ...startFacts(planned) };
    const environment = { ...facts, KDOCK_GUEST_MUX: "", KDOCK_NET_MODE: "user" };
    const fake = `printf '#!/bin/sh\nprintf "%%s\\n" "$@"; grep ^Groups: /proc/self/status\n' > $0
      chmod +x $0; mkfifo /run/mapped
      unshare --user --net sh -c 'read -r _ </run/mapped
        exec setpriv --reuid=0 --regid=0 --clear-groups sh /usr/local/lib/kdock/start.sh "$@"' sh "$@" &
      own=$(readlink /proc/self/ns/user)
      until [ "$(readlink /proc/$!/ns/user)" != "$own" ]; do sleep 0.05; done
      for map in uid_map gid_map; do echo 0 0 65536 >/proc/$!/$map; done
      echo >/run/mapped; wait $!`;
    const output = await docker(
      // Docker's default seccomp profile does not allow user namespaces.
      ...["run", "--rm", "--cap-add", "NET_ADMIN", "--security-opt", "seccomp=unconfined"],
      ...Object.entries(environment).flatMap(([name, value]) => ["-e", `${name}=${value}`]),
      ...["--entrypoint", "sh", image, "-c", fake, "/usr/local/bin/qemu-system-x86_64"],
      ...qemuArgs(planned),
    );
    expect(output).toMatch(/^tcp::1234$/m);
    expect(output).toMatch(/^Groups:\s*65535\s*$/m);
  });

  it("uses QEMU's user network without IPv6 in mode user, and as a fallback without tun", async () => {
    for (const environment of [{ KDOCK_NET_MODE: "user" }, {}]) {
      const all = await argumentsOf(environment);
      expect(all[all.indexOf("-netdev") + 1]).toMatch(/^user,id=net0,ipv6=off,/);
      expect(all[all.indexOf("-device") + 1]).toMatch(/^virtio-net-pci,netdev=net0,/);
      expect(all[all.indexOf("-append") + 1]).toMatch(/ kdock\.ip6=none$/);
      const isReported = all.some((line) => line.includes("/dev/net/tun is not there"));
      expect(isReported).toBe(!("KDOCK_NET_MODE" in environment));
    }
  });

  it("removes only the network card's arguments in mode none", async () => {
    const all = await argumentsOf({ KDOCK_NET_MODE: "none" });
    expect(all.join(" ")).not.toMatch(/netdev/);
    expect(all[all.indexOf("-append") + 1]).toMatch(/ kdock\.ip=none$/);
    const planned = qemuArgs(machine(loadConfig({}), { paused: false, command: false }));
    // The arguments of run-qemu.pl's monitor follow.
    const monitor = all.findIndex((word) => word.startsWith("socket,id=kdock-end,")) - 1;
    expect(all[monitor]).toBe("-chardev");
    expect(all.slice(all.indexOf("-M"), monitor)).toEqual(planned);
  });
});
