import { readFile, readlink, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, it } from "vitest";
import { projectNames } from "../../src/core/plan/names.js";
import { docker, kdock, removeVolumes, start, untilOutput } from "../support/kdock.js";
import { labSide } from "../support/lab.js";
import { TOY_KERNEL_CONFIG, toyKernel, type ToyKernel } from "../support/toy-kernel.js";

/** The lab's kernel with another root file system. */
let folder: string;
let toys: ToyKernel;
let key: string;
let release: string;
let label: string;
const YAML = "gdb: { listen: 127.0.0.1:0 }\n";

interface Kernel {
  readonly key: string;
  readonly release: string;
  readonly current: boolean;
}

const here = (...args: readonly string[]) => kdock(args, { cwd: folder });
const kernels = async () =>
  (JSON.parse((await here("--json", "kernels")).stdout) as { data: { kernels: Kernel[] } }).data
    .kernels;
const current = () => readlink(join(folder, ".kdock/out/current"));

async function nothingLeft(): Promise<void> {
  expect(await docker("ps", "-aq", "--filter", label)).toBe("");
  expect(await docker("network", "ls", "-q", "--filter", label)).toBe("");
}

beforeAll(async () => {
  folder = await labSide("fleet", `${YAML}rootfs: { init: [./mark.sh] }\n`);
  label = `label=io.kdock.project=${projectNames(folder).id}`;
  await writeFile(join(folder, "mark.sh"), "echo mine > /run/mark\n");
  const built = await here("build");
  expect(built.exitCode, built.stderr).toBe(0);
  const kernel = join(folder, ".kdock/out/current/kernel");
  release = (await readFile(join(kernel, "kernel.release"), "utf8")).trim();
  key = (await readlink(kernel)).split("/").at(-1) ?? "";
  const image = join(kernel, "bzImage");
  toys = await toyKernel(image, ["good", "good", "broken", "lacking", "bad", "bad"]);
});
afterAll(async () => {
  await here("clean");
  await removeVolumes(folder);
  await toys.remove();
  await rm(folder, { recursive: true, force: true });
});

it("kernels lists built kernels, and marks the current one", async () => {
  expect(await kernels()).toContainEqual(expect.objectContaining({ key, release, current: true }));
  const { stdout } = await here("kernels");
  expect(stdout).toMatch(new RegExp(`^\\* +${key} +${release} `, "m"));
});

it("run --kernel boots a built kernel by its key, with its root file system, independent of kdock.yaml", async () => {
  await writeFile(join(folder, "kdock.yaml"), `${YAML}kernel: { preset: tiny }\n`);
  const { stdout, stderr, exitCode } = await here(
    ...["run", "--kernel", key.slice(0, 6), "--", "sh", "-c", "uname -r; cat /run/mark"],
  );
  expect({ stdout, exitCode }, stderr).toEqual({ stdout: `${release}\nmine\n`, exitCode: 0 });
  expect(stderr).not.toMatch(/^(?:kernel|busybox|rootfs) /m);
  const none = await here("run", "--kernel", "ffff", "--", "true");
  expect(none.exitCode).toBe(2);
  expect(none.stderr).toContain(`${key}  ${release}`);
  await nothingLeft();
});

it("run reports a missing program, also for a whole shell line", async () => {
  const { stdout, stderr, exitCode } = await here(
    ...["run", "--kernel", key, "--", "uname -a; cat /proc/version"],
  );
  expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 127 });
  expect(stderr).toMatch(/uname -a; cat.*No such file.*sh -c/);
});

it("kernels rm rejects the current kernel", async () => {
  const { stderr, exitCode } = await here("kernels", "rm", key);
  expect(stderr).toContain(key);
  expect(exitCode).toBe(2);
});

it("matrix runs a command on several kernels, also if one cannot be built", async () => {
  await writeFile(join(folder, "kdock.yaml"), YAML);
  const was = await current();
  const { stdout, stderr, exitCode } = await here(
    ...["matrix", "--kernels", "9.9,6.12", "--junit", "out/report.xml"],
    ...["--", "sh", "-c", "uname -r; echo '<&>' >&2"],
  );
  expect(exitCode, stderr).toBe(1);
  expect(stdout).toMatch(/^debian:9\.9 .* build failed$/m);
  expect(stdout).toMatch(
    new RegExp(`^debian:6\\.12 +${release} +gcc-14 +cached .* MB +[\\d.]+ s +0 +ok$`, "m"),
  );
  const junit = await readFile(join(folder, "out/report.xml"), "utf8");
  expect(junit).toContain('tests="2" failures="1"');
  expect(junit).toContain(`name="debian-6.12 (${release})"`);
  expect(junit).toContain("&lt;&amp;&gt;");
  expect(await readFile(join(folder, ".kdock/logs/matrix/debian-6.12.log"), "utf8")).toContain(
    release,
  );
  expect(await current()).toBe(was);
  await nothingLeft();
});

it("Ctrl-C ends a matrix with exit code 130 and the table so far, and leaves nothing", async () => {
  const running = start(
    ["-v", "matrix", "--kernels", "6.12", "--", "sh", "-c", "echo under way; sleep 600"],
    { cwd: folder },
  );
  await untilOutput(running.stderr, "| under way");
  running.kill("SIGINT");
  const { exitCode, stdout } = await running;
  expect(exitCode).toBe(130);
  expect(stdout).toMatch(/^debian:6\.12 .* interrupted$/m);
  await nothingLeft();
});

it("bisect finds the first bad commit, skipping ones that do not build or boot, and continues after Ctrl-C", async () => {
  await writeFile(join(folder, "toy.config"), TOY_KERNEL_CONFIG);
  await writeFile(
    join(folder, "kdock.yaml"),
    `${YAML}kernel: { source: "git:${toys.folder}#main", preset: "file:toy.config" }\n`,
  );
  const was = await current();
  const words = ["--", "sh", "-c", "echo booted; sleep 1"];
  const swapped = await here("bisect", "--good", "v5", "--bad", "v1", ...words);
  expect(swapped.exitCode).toBe(2);
  expect(swapped.stderr).toContain("Are they swapped?");
  const unknown = await here("bisect", "--good", "v1", "--bad", "nowhere", ...words);
  expect(unknown.exitCode).toBe(2);
  expect(unknown.stderr).toContain("no branch, tag or commit nowhere");

  const running = start(["-v", "bisect", "--good", "v1", "--bad", "main", ...words], {
    cwd: folder,
  });
  let interrupted = false;
  running.stderr.on("data", (chunk) => {
    if (interrupted || !String(chunk).includes("phase compile")) return;
    interrupted = running.kill("SIGINT");
  });
  expect((await running).exitCode).toBe(130);
  await nothingLeft();

  const again = await here("bisect", "--good", "v1", "--bad", "main", ...words);
  expect(again.exitCode).toBe(2);
  expect(again.stderr).toContain("--continue");
  const { stdout, stderr, exitCode } = await here("bisect", "--continue");
  // v3 does not build and v4 starts no programs: v3, v4 and v5 remain, and git cannot decide between them.
  expect(exitCode, stderr).toBe(1);
  expect(stderr).toContain("build failed");
  expect(stderr).toMatch(/kernel cannot be booted \(.*BINFMT_ELF/);
  expect(stdout).toContain("could be any of");
  for (const tag of ["v3", "v4", "v5"]) expect(stdout).toContain(toys.commits[tag]);
  const log = await readFile(join(folder, ".kdock/logs/bisect.log"), "utf8");
  for (const tag of ["v3", "v4"]) {
    expect(log).toContain(`git bisect skip ${toys.commits[tag] ?? ""}`);
  }
  expect(await current()).toBe(was);

  // A worktree has its own HEAD, and the objects of the repository.
  const worktree = join(folder, "worktree");
  await execa("git", ["-C", toys.folder, "worktree", "add", "-q", "--detach", worktree, "v2"]);
  // An in-tree build there does not matter.
  await writeFile(join(worktree, ".config"), "");
  const found = await here(
    ...["bisect", "--kernel", "./worktree", "--good", "HEAD~1", "--bad", "HEAD", "--", "false"],
  );
  expect(found.stdout).toContain(`${toys.commits["v2"] ?? ""} is the first bad commit`);
  expect(found.stdout).toContain("Ada <ada@example.com>");
  expect(found.exitCode).toBe(0);
  await nothingLeft();
});
