import { afterAll, beforeAll, expect, it } from "vitest";
import { docker, kdock } from "../support/kdock.js";
import { inGuest, LAB, LAB_NAMES, withGuest } from "../support/lab.js";

/** The outside: a second container on the VM's network, which answers with the address it sees. */
const PEER = `kdock-test-peer-${process.pid}`;
let vmAddress = "";
let peerAddress = "";

beforeAll(async () => {
  await kdock(["stop"], { cwd: LAB });
  const { exitCode, stderr } = await kdock(["run", "-d", "--gdb", "0"], { cwd: LAB });
  expect(exitCode, stderr).toBe(0);
  const image = await docker("inspect", "-f", "{{.Config.Image}}", LAB_NAMES.vmContainer);
  await docker(
    ...["run", "-d", "--name", PEER, "--network", LAB_NAMES.network, "--network-alias", "peer"],
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

it("the guest has the article's address and reaches its gateway", async () => {
  expect((await guest("ip -4 -o addr show eth0")).stdout).toContain("10.0.3.2/24");
  expect((await guest("ping -c 1 -W 5 10.0.3.1")).exitCode).toBe(0);
});

it("a second container sees the VM container's address, never the guest's", async () => {
  const { stdout, exitCode } = await guest(`nc ${peerAddress} 8080 </dev/null`);
  expect(exitCode).toBe(0);
  expect(stdout.trim()).toBe(vmAddress);
});

it("host names resolve in the guest, by the engine's own resolver", async () => {
  const { stdout, exitCode } = await guest("nc peer 8080 </dev/null");
  expect({ answer: stdout.trim(), exitCode }).toEqual({ answer: vmAddress, exitCode: 0 });
});

it("both sides of the translation are seen where they happen", async () => {
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

it("the guest cannot reach the debugger that holds it", async () => {
  const { exitCode } = await guest("nc -w 3 10.0.3.1 1234 </dev/null");
  expect(exitCode).not.toBe(0);
});

async function addressOf(container: string): Promise<string> {
  const format = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
  return docker("inspect", "-f", format, container);
}
