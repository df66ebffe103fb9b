import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { COMMAND_NAMES } from "../../src/features.js";
import { kdock } from "../support/kdock.js";
import { labSide } from "../support/lab.js";

let folder: string;
/** A project that is up to date. */
let built: string;
beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "kdock-cli-")));
  built = await labSide("built", "");
  expect((await kdock(["build"], { cwd: built })).exitCode).toBe(0);
});
afterAll(async () => {
  for (const each of [folder, built]) await rm(each, { recursive: true });
});

async function project(yaml: string): Promise<string> {
  const path = await mkdtemp(join(folder, "p-"));
  await writeFile(join(path, "kdock.yaml"), yaml);
  return path;
}

describe("configuration", () => {
  it.each([
    ["an unknown key", "kernel: { presett: debug }", /presett.*did you mean.*preset/s],
    ["a wrong type", "vm: { cpus: many }", /vm\.cpus/],
    ["a syntax error", "vm: [", /kdock\.yaml:1/],
    ["an unknown source", "kernel: { source: 'ftp:1' }", /kernel\.source/],
    ["an unknown compiler", "kernel: { toolchain: gcc-99 }", /gcc-99/],
    [
      "a missing fragment",
      "kernel: { fragments: [no.config] }",
      /kernel\.fragments: there is no file no\.config/,
    ],
    [
      "a missing preset file",
      "kernel: { preset: 'file:no.config' }",
      /kernel\.preset: there is no file no\.config/,
    ],
    ["a missing overlay", "rootfs: { overlay: ./nowhere }", /rootfs\.overlay: there is no folder/],
    ["an invalid subnet", "vm: { net: { subnet: 10.0.3.7/24 } }", /10\.0\.3\.0\/24/],
  ])("%s is exit code 2, with its place", async (_what, yaml, message) => {
    const { exitCode, stdout, stderr } = await kdock(["plan"], { cwd: await project(yaml) });
    expect(stderr).toMatch(message);
    expect(stderr).toContain("→ ");
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
  });

  it("reports all problems at once", async () => {
    const cwd = await project("vm: { cpus: 0, memory: 1, nope: 2 }");
    const { stderr } = await kdock(["plan"], { cwd });
    expect(stderr).toMatch(/cpus/);
    expect(stderr).toMatch(/memory/);
    expect(stderr).toMatch(/nope/);
  });

  it("names the flag or variable of a wrong value", async () => {
    const cwd = await project("");
    expect((await kdock(["plan", "--cpus", "zero"], { cwd })).stderr).toContain("--cpus");
    const fromEnv = await kdock(["plan"], { cwd, env: { KDOCK_VM_CPUS: "zero" } });
    expect(fromEnv.stderr).toContain("KDOCK_VM_CPUS");
    expect(fromEnv.exitCode).toBe(2);
  });

  it("names the file and line of a fragment that Kconfig would ignore", async () => {
    const cwd = await project("kernel: { fragments: [my.config] }");
    await writeFile(join(cwd, "my.config"), "CONFIG_NET=y\nNET_SCHED=y\n");
    const { exitCode, stderr } = await kdock(["plan"], { cwd });
    expect(stderr).toContain("my.config:2: NET_SCHED=y");
    expect(exitCode).toBe(2);
  });

  it("rejects an overlay with a socket, by name", async () => {
    const cwd = await project("rootfs: { overlay: o }");
    await mkdir(join(cwd, "o"));
    const server = createServer().listen(join(cwd, "o/sock"));
    await new Promise((resolve) => server.once("listening", resolve));
    const { exitCode, stderr } = await kdock(["plan"], { cwd });
    server.close();
    expect(stderr).toMatch(/^error: .*\bo\/sock\b/m);
    expect(exitCode).toBe(2);
  });
});

describe("usage", () => {
  it.each([
    ["an unknown command", ["frobnicate"]],
    ["an unknown flag", ["build", "--fast"]],
    ["an unknown target", ["build", "initrd"]],
    ["a command with --detach", ["run", "-d", "--", "true"]],
  ])("%s is exit code 2, with nothing on stdout", async (_what, args) => {
    const { exitCode, stdout, stderr } = await kdock(args, { cwd: await project("") });
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
    expect(stderr).not.toBe("");
  });

  it("prints --help and --version on stdout with exit code 0", async () => {
    const help = await kdock(["--help"], { cwd: folder });
    expect(help.exitCode).toBe(0);
    const listed = /^Start:\n([^]*?)\n\nExamples:/m.exec(help.stdout)?.[1] ?? "";
    const names = [...listed.matchAll(/^ {2}(\w+) +\S/gm)].map(([, name]) => name);
    expect(names).toEqual([...COMMAND_NAMES, "help"]);
    expect((await kdock(["--version"], { cwd: folder })).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it("init does not overwrite a kdock.yaml unless forced, and writes a valid one", async () => {
    const cwd = await mkdtemp(join(folder, "i-"));
    expect((await kdock(["init"], { cwd })).exitCode).toBe(0);
    expect((await kdock(["init"], { cwd })).exitCode).toBe(2);
    expect((await kdock(["init", "--force"], { cwd })).exitCode).toBe(0);
    const fresh = await kdock(["--json", "plan"], { cwd });
    const bare = await kdock(["--json", "plan"], { cwd: await project("") });
    const keys = (text: string) =>
      (JSON.parse(text) as { data: { kernel: { key: string } } }).data.kernel.key;
    expect(keys(fresh.stdout)).toBe(keys(bare.stdout));
  });
});

describe("the engine", () => {
  it("is used at DOCKER_HOST, and a missing one is exit code 3 with a hint", async () => {
    const { exitCode, stderr } = await kdock(["ps"], {
      cwd: await project(""),
      env: { DOCKER_HOST: "unix:///nonexistent/docker.sock" },
    });
    expect(stderr).toContain("/nonexistent/docker.sock");
    expect(stderr).toContain("→ ");
    expect(exitCode).toBe(3);
  });

  it("is not needed if everything is up to date", async () => {
    const { exitCode, stderr } = await kdock(["build"], {
      cwd: built,
      env: { DOCKER_HOST: "unix:///nonexistent/docker.sock" },
    });
    expect(exitCode, stderr).toBe(0);
    expect(stderr).toMatch(/up to date/);
  });
});

describe("ports", () => {
  it("a gdb port in use is reported with its owner and a hint", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const { port } = server.address() as { port: number };
    const { exitCode, stderr } = await kdock(["run", "-d", "--gdb", String(port)], { cwd: built });
    server.close();
    expect(stderr).toContain(`port ${port} of 127.0.0.1 is taken`);
    expect(stderr).toContain(`pid ${process.pid}`);
    expect(stderr).toContain("--gdb 0");
    expect(exitCode).toBe(3);
  });
});

it("--json prints one JSON object per line, errors too", async () => {
  const { stdout, exitCode } = await kdock(["--json", "plan", "--cpus", "zero"], { cwd: folder });
  const events = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(events.at(-1)).toMatchObject({ type: "error", code: "config", exitCode: 2 });
  expect(exitCode).toBe(2);
});
