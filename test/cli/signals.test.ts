import { readdir, rm } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { join, relative } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { COMMAND_NAMES } from "../../src/features.js";
import { projectNames } from "../../src/core/plan/names.js";
import { CLI, docker, kdock, removeVolumes, start } from "../support/kdock.js";
import { labSide } from "../support/lab.js";

/** A call for every command. A command without a row fails the first test. */
const CALLS: Readonly<Record<string, readonly Call[]>> = {
  init: [{ args: ["-c", "new.yaml", "init"] }],
  doctor: [{ args: ["doctor"], engine: true }],
  completion: [{ args: ["completion", "bash"] }],
  plan: [{ args: ["plan"] }],
  lock: [{ args: ["lock", "--update", "kernel"], engine: true }],
  verify: [{ args: ["verify"], engine: true }],
  diff: [{ args: ["diff", "current", "current"] }],
  sbom: [{ args: ["sbom"] }],
  config: [
    { args: ["config", "show"] },
    { args: ["config", "why", "EXT4_FS"], engine: true },
    { args: ["config", "diff"] },
    { args: ["config", "set", "EXT4_FS=y"], engine: true },
    { args: ["config", "unset", "EXT4_FS"] },
    { args: ["config", "menu"] },
  ],
  build: [{ args: ["build"] }, { args: ["build", "--no-cache"], engine: true }],
  run: [
    { args: ["run", "--name", "other", "--gdb", "0"], engine: true },
    { args: ["run", "--name", "other", "-d"], engine: true },
    { args: ["run", "--name", "other", "--", "true"], engine: true },
  ],
  kernels: [{ args: ["kernels"] }, { args: ["kernels", "rm", "0000"] }],
  matrix: [{ args: ["matrix", "--kernels", "debian:6.12", "--", "true"], engine: true }],
  bisect: [{ args: ["bisect", "--good", "v1", "--bad", "v2", "--", "true"] }],
  up: [{ args: ["up"], engine: true }],
  down: [{ args: ["down"], engine: true, ends: true }],
  ps: [{ args: ["ps"], engine: true }],
  logs: [
    { args: ["logs"], engine: true },
    { args: ["logs", "-f"], engine: true },
  ],
  decode: [{ args: ["decode"], engine: true }],
  console: [{ args: ["console"], engine: true }],
  capture: [{ args: ["capture", "--count", "1"], engine: true }],
  net: [
    { args: ["net", "check"], engine: true },
    { args: ["net", "shape"], engine: true },
  ],
  exec: [{ args: ["exec", "--", "echo", "x"], engine: true }],
  cp: [{ args: ["cp", ":/etc/passwd", "."], engine: true, silent: true }],
  module: [{ args: ["module", "build", "."] }, { args: ["module", "load", "none"] }],
  gdb: [{ args: ["gdb"], engine: true }],
  debug: [{ args: ["debug", "tcp_v4_rcv"], engine: true }],
  dap: [{ args: ["dap"], engine: true }],
  trap: [{ args: ["trap", "panic", "--timeout", "600"], engine: true }],
  dump: [{ args: ["dump", "core"], engine: true }],
  drgn: [{ args: ["drgn"], engine: true }],
  crash: [{ args: ["crash"], engine: true }],
  stop: [{ args: ["stop", "missing"], engine: true }],
  clean: [{ args: ["clean", "--dry-run"], engine: true }],
  compose: [{ args: ["compose"] }],
  source: [{ args: ["source", "export", "linux"], engine: true }],
  ide: [{ args: ["ide", "nvim"] }],
};

interface Call {
  readonly args: readonly string[];
  /** It uses the engine, and so hangs if that does not answer. */
  readonly engine?: boolean;
  /** It prints nothing when it succeeds. */
  readonly silent?: boolean;
  /** It stops the VM that the others use. */
  readonly ends?: boolean;
}

const ALL = Object.values(CALLS)
  .flat()
  .map((call) => ({ ...call, name: call.args.join(" ") }));

let folder: string;
let label: string;

beforeAll(async () => {
  folder = await labSide("signals", "");
  label = `label=io.kdock.project=${projectNames(folder).id}`;
  const { exitCode, stderr } = await kdock(["run", "-d", "--gdb", "0"], { cwd: folder });
  expect(exitCode, stderr).toBe(0);
});
afterAll(async () => {
  await kdock(["clean"], { cwd: folder });
  await removeVolumes(folder);
  await rm(folder, { recursive: true, force: true });
});

/** Everything that a command could leave: in the engine, and in the project's folder. */
async function state() {
  const format = ["--format", "{{.Names}} {{.State}}", "--filter", label];
  return {
    containers: (await docker("ps", "-a", ...format)).split("\n").sort(),
    networks: (await docker("network", "ls", "--format", "{{.Name}}", "--filter", label))
      .split("\n")
      .sort(),
    files: (await paths(folder, 3)).filter((path) => /tmp-|lock|slots|core|linux/.test(path)),
  };
}

/** Below a folder, without following links: the kernels are the lab's. */
async function paths(at: string, depth: number): Promise<string[]> {
  const entries = await readdir(at, { withFileTypes: true });
  const below = entries.map(async (entry) => {
    const path = join(at, entry.name);
    return [
      relative(folder, path),
      ...(entry.isDirectory() && depth > 0 ? await paths(path, depth - 1) : []),
    ];
  });
  return (await Promise.all(below)).flat().sort();
}

it("CALLS has a call for every command", () => {
  expect(Object.keys(CALLS).sort()).toEqual([...COMMAND_NAMES].sort());
});

/** Runs kdock with stdout and stderr in one pipe without a reader. */
async function withoutReader(args: readonly string[], env: Record<string, string> = {}) {
  const script = 'exec 3> >(exit 0); wait $!; exec "$@" >&3 2>&3';
  const words = ["-c", script, "bash", process.execPath, CLI, ...args];
  const { exitCode } = await execa("bash", words, {
    ...{ cwd: folder, env, reject: false, stdin: "ignore", timeout: 60_000, killSignal: "SIGKILL" },
  });
  return exitCode;
}

describe("without a reader", () => {
  it.each(ALL.filter(({ silent, ends }) => silent !== true && ends !== true))(
    "`kdock` $name is exit code 141, and leaves nothing",
    async ({ args }) => {
      const before = await state();
      expect(await withoutReader(args)).toBe(141);
      expect(await state()).toEqual(before);
    },
  );
});

describe("with an engine that does not answer", () => {
  let server: Server;
  let dialled: () => void;
  const sockets = new Set<Socket>();
  const path = () => join(folder, "deaf.sock");

  beforeAll(async () => {
    server = createServer((socket) => {
      sockets.add(socket);
      socket.on("error", () => undefined);
      dialled();
    });
    await new Promise<void>((resolve) => server.listen(path(), resolve));
  });
  afterAll(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await rm(path(), { force: true });
  });

  it.each(ALL.filter(({ engine }) => engine))(
    "SIGTERM ends `kdock` $name with exit code 130, also when another signal follows at once",
    async ({ args }) => {
      const before = await state();
      const connected = new Promise<void>((resolve) => (dialled = resolve));
      const env = { DOCKER_HOST: `unix://${path()}` };
      const running = start(args, { cwd: folder, env, pipe: true });
      await Promise.race([connected, running]);
      process.kill(running.pid, "SIGTERM");
      // timeout and npx send a signal twice; another one here, since two of a kind may be merged.
      process.kill(running.pid, "SIGHUP");
      const { exitCode, stderr } = await running;
      expect({ exitCode, last: stderr.split("\n").at(-2) }, stderr).toEqual({
        exitCode: 130,
        last: "kdock: interrupted",
      });
      expect(await state()).toEqual(before);
    },
  );
});

describe("on a full device", () => {
  const full = (args: readonly string[], stream: "stdout" | "stderr") =>
    execa(
      "bash",
      ["-c", `exec "$@" ${stream === "stdout" ? ">" : "2>"}/dev/full`, "bash", ...args],
      {
        ...{ cwd: folder, reject: false, stdin: "ignore" },
      },
    );

  it.each([
    ["--help"],
    ["plan"],
    ["compose"],
    ["logs"],
    ["--json", "ps"],
    ["exec", "--", "seq", "100000"],
    ["capture", "-w", "-"],
    ["run", "--name", "other", "--gdb", "0"],
  ])("`kdock %s %s` is exit code 3, with the reason", async (...args) => {
    const before = await state();
    const { exitCode, stderr } = await full([process.execPath, CLI, ...args], "stdout");
    expect(exitCode, stderr).toBe(3);
    expect(stderr).toMatch(/^error: cannot write to stdout: no space left on its device$/m);
    expect(stderr).not.toMatch(/^ +at /m);
    const after = await state();
    // The second VM connects the first one to the network between VMs, which stays.
    const mayStay = args.includes("other")
      ? after.networks.filter((name) => name.endsWith("-lan"))
      : [];
    expect(after).toEqual({
      ...before,
      networks: [...new Set([...before.networks, ...mayStay])].sort(),
    });
  });

  it.each([["build"], ["run", "--name", "other", "--gdb", "0", "--", "true"], ["nonsense"]])(
    "`kdock %s` that has nowhere to say so is exit code 3",
    async (...args) => {
      const before = await state();
      const { exitCode, stdout } = await full([process.execPath, CLI, ...args], "stderr");
      expect(exitCode).toBe(3);
      expect(stdout).not.toMatch(/^ +at /m);
      expect(await state()).toEqual(before);
    },
  );
});
