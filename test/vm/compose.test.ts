import { copyFile, cp, mkdtemp, realpath, rm } from "node:fs/promises";
import { createHash } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, it } from "vitest";
import { VERIFIED_CCACHE_VOLUME } from "../../src/core/plan/names.js";
import { docker, ROOT } from "../support/kdock.js";
import { LAB } from "../support/lab.js";

/**
 * `docker compose up` of the committed file, with compose v2 in a Debian 13 container: the host's docker may have no
 * compose plugin. The folder is mounted at the same path, since the paths in the file are resolved on the engine's host.
 */
const COMPOSE_IMAGE = "kdock-test/compose";
const PROJECT = "kdock-compose-test";
/** The socket of the engine under test. */
const SOCKET = (process.env["DOCKER_HOST"] ?? "unix:///var/run/docker.sock").replace("unix://", "");
let folder: string;
let base: string;

beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "kdock-compose-")));
  for (const name of ["images", "Dockerfile.kernel", "Dockerfile.busybox", ".dockerignore"]) {
    await cp(join(ROOT, name), join(folder, name), { recursive: true });
  }
  await copyFile(join(ROOT, "compose.yaml"), join(folder, "compose.yaml"));
  // The base image of the Debian suite in compose.yaml.
  const named = [
    "--filter",
    "reference=kdock/base:trixie-*",
    "--format",
    "{{.Repository}}:{{.Tag}}",
  ];
  base = (await docker("images", ...named)).split("\n")[0] ?? "";
  expect(base).not.toBe("");
  await execa("docker", ["build", "-t", COMPOSE_IMAGE, "-"], {
    input: `FROM ${base}\nRUN apt-get update -q && apt-get install -qy --no-install-recommends docker-compose docker-cli docker-buildx\n`,
    env: { DOCKER_BUILDKIT: "0" },
  });
}, 600_000);

afterAll(async () => {
  await compose("down", "--remove-orphans").catch(() => undefined);
  // Not with -v, which would remove the compiler cache that the engine's projects share.
  const label = `label=com.docker.compose.project=${PROJECT}`;
  const volumes = (await docker("volume", "ls", "-q", "--filter", label)).split("\n");
  for (const name of volumes.filter((each) => each !== "" && each !== VERIFIED_CCACHE_VOLUME)) {
    await docker("volume", "rm", name);
  }
  await docker("rmi", "-f", COMPOSE_IMAGE).catch(() => undefined);
  await rm(folder, { recursive: true, force: true });
});

function compose(...args: string[]) {
  return execa(
    "docker",
    [
      ...["run", "--rm", "-i", "-v", `${SOCKET}:/var/run/docker.sock`],
      ...["-v", `${folder}:${folder}`, "-w", folder],
      ...["-e", "KDOCK_PRIVILEGED=false", "-e", `KDOCK_BASE_TRIXIE=${base}`],
      ...["-e", "KDOCK_GDB_LISTEN=127.0.0.1:0", "-e", `COMPOSE_PROJECT_NAME=${PROJECT}`],
      ...[COMPOSE_IMAGE, "docker-compose", ...args],
    ],
    { all: true, timeout: 2_000_000 },
  );
}

it(
  "docker compose up builds both, boots the VM and publishes gdbserver",
  { timeout: 2_400_000 },
  async () => {
    await compose("up", "-d", "--build", "--quiet-pull");
    const id = (await compose("ps", "-q", "vm")).stdout.trim();
    await expect
      .poll(() => docker("logs", id), { timeout: 120_000, interval: 500 })
      .toMatch(/Boot took/);
    const address = (await docker("port", id, "1234/tcp")).split("\n")[0] ?? "";
    const { all } = await execa(
      "gdb",
      [
        "-nx",
        "-batch",
        "-ex",
        `target remote ${address}`,
        "-ex",
        "info registers rip",
        "-ex",
        "detach",
      ],
      { all: true, stdin: "ignore" },
    );
    expect(all).toMatch(/rip\s+0xf/);

    // The debugger of the profile debug, which `up` does not start, with arguments for gdb.
    const services = (await compose("ps", "--all", "--services")).stdout.split("\n");
    expect(services).toContain("vm");
    expect(services).not.toContain("gdb");
    const session = await compose(
      ...["run", "--rm", "--no-deps", "-T", "gdb", "-batch"],
      ...["-ex", "lx-version", "-ex", "list tcp_v4_rcv"],
    );
    expect(session.all).toContain("/out/vmlinux is the kernel that runs");
    expect(session.all).toMatch(/^Linux version 6\./m);
    expect(session.all).toMatch(/^\d+\s+int tcp_v4_rcv\(struct sk_buff \*skb\)/m);

    // The shell script and TypeScript produce identical initramfs images; the kernel is identical, too.
    const copies = {
      "/artifacts/rootfs/rootfs.cpio": "rootfs/rootfs.cpio",
      "/artifacts/kernel/vmlinux": "kernel/vmlinux",
    };
    for (const [inside, local] of Object.entries(copies)) {
      const { stdout: sum } = await execa("docker", ["exec", id, "sha256sum", inside]);
      expect(sum.split(" ")[0], inside).toBe(await sha256(`${LAB}/.kdock/out/current/${local}`));
    }
  },
);

async function sha256(path: string): Promise<string> {
  const { createReadStream } = await import("node:fs");
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest("hex");
}
