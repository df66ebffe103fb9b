import { copyFile, mkdtemp, readdir, realpath, rm, writeFile } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { projectNames } from "../../src/core/plan/names.js";
import { docker, kdock, removeVolumes, start, untilOutput } from "../support/kdock.js";
import { LAB } from "../support/lab.js";

/** A project whose busybox is out of date, so that a build can be interrupted; it uses the lab's images. */
let folder: string;
let label: string;

beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "kdock-interrupt-")));
  label = `label=io.kdock.project=${projectNames(folder).id}`;
  await copyFile(join(LAB, "kdock.lock"), join(folder, "kdock.lock"));
  await writeFile(join(folder, "kdock.yaml"), "busybox: { set: { FEATURE_SH_MATH: y } }\n");
});
afterAll(async () => {
  // Not --all: images and compiler cache are shared with every other project of this engine.
  await kdock(["clean"], { cwd: folder });
  await removeVolumes(folder);
  await rm(folder, { recursive: true, force: true });
});

async function nothingLeft(): Promise<void> {
  expect(await docker("ps", "-aq", "--filter", label)).toBe("");
  expect(await docker("network", "ls", "-q", "--filter", label)).toBe("");
  const out = await readdir(join(folder, ".kdock/out"), { recursive: true }).catch(() => []);
  expect(out.filter((name) => name.includes(".tmp-"))).toEqual([]);
}

it("Ctrl-C during a build is exit code 130, and leaves no container", async () => {
  const running = start(["-v", "build", "busybox"], { cwd: folder });
  await untilOutput(running.stderr, / CC {6}/);
  running.kill("SIGINT");
  const { exitCode, stderr } = await running;
  expect(stderr).toContain("interrupted");
  expect(exitCode).toBe(130);
  await nothingLeft();
});

it("a second build in the same project reports the holder of the lock", async () => {
  const running = start(["-v", "build", "busybox"], { cwd: folder });
  await untilOutput(running.stderr, / CC {6}/);
  const second = await kdock(["build", "busybox"], { cwd: folder });
  running.kill("SIGINT");
  await running;
  expect(second.stderr).toMatch(new RegExp(`another kdock build.*${running.pid}`, "s"));
  expect(second.exitCode).toBe(3);
});

it("an engine that is lost during the build is exit code 3, and keeps the last artifacts", async () => {
  const sockets = new Set<Socket>();
  const path = join(folder, "proxy.sock");
  const engine = (await docker("context", "inspect", "-f", "{{.Endpoints.docker.Host}}")).replace(
    "unix://",
    "",
  );
  const proxy = createServer((client) => {
    const server = connect(engine);
    for (const socket of [client, server]) {
      sockets.add(socket);
      socket.on("error", () => undefined);
    }
    client.pipe(server).pipe(client);
  }).listen(path);
  const running = start(["-v", "build", "busybox"], {
    cwd: folder,
    env: { DOCKER_HOST: `unix://${path}` },
  });
  await untilOutput(running.stderr, / CC {6}/);
  proxy.close();
  for (const socket of sockets) socket.destroy();
  const { exitCode, stderr } = await running;
  expect(exitCode, stderr).toBe(3);
  // With the engine again, the next build removes the stale container, and succeeds.
  const again = await kdock(["build", "busybox"], { cwd: folder });
  expect(again.exitCode, again.stderr).toBe(0);
  expect(again.stderr).toContain("left by a build that was killed");
  await nothingLeft();
});

it("a compile error is exit code 1 with the compiler's message, and keeps the last set", async () => {
  const before = await readdir(join(folder, ".kdock/out/busybox"));
  const { exitCode, stderr } = await kdock(["build", "busybox"], {
    cwd: folder,
    env: { KDOCK_BUSYBOX_SET: "EXTRA_CFLAGS=-DBB_VER=broken(" },
  });
  expect(stderr).toMatch(/error:/);
  expect(stderr).toMatch(/\.kdock\/logs\/busybox\.log/);
  expect(exitCode).toBe(1);
  expect(await readdir(join(folder, ".kdock/out/busybox"))).toEqual(before);
});
