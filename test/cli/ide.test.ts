import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { kdock } from "../support/kdock.js";

let folder: string;
beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "kdock ide-")));
});
afterAll(() => rm(folder, { recursive: true }));

/** None of it needs an engine. */
const env = { DOCKER_HOST: "unix:///nowhere.sock" };

async function project(yaml = ""): Promise<{
  path: (name: string) => string;
  ide: (...args: string[]) => ReturnType<typeof kdock>;
}> {
  const cwd = await mkdtemp(join(folder, "p-"));
  await writeFile(join(cwd, "kdock.yaml"), yaml);
  return {
    path: (name) => join(cwd, name),
    ide: (...args) => kdock(["ide", ...args], { cwd, env }),
  };
}

it("vscode: writes launch.json and tasks.json, and says what is still missing", async () => {
  const { path, ide } = await project();
  const { exitCode, stdout, stderr } = await ide("vscode");
  expect(stdout).toBe("written    .vscode/launch.json\nwritten    .vscode/tasks.json\n");
  expect(stderr).toContain("kdock source export");
  expect(exitCode).toBe(0);
  expect(await readFile(path(".vscode/launch.json"), "utf8")).toContain('"127.0.0.1:1234"');
  expect((await ide("vscode")).stdout).toBe(
    "unchanged  .vscode/launch.json\nunchanged  .vscode/tasks.json\n",
  );
});

it("vscode: adds to a launch.json with comments, and leaves one alone that it cannot read", async () => {
  const { path, ide } = await project();
  const theirs = '{\n  // mine\n  "configurations": [{ "name": "mine" }],\n}\n';
  await mkdir(path(".vscode"));
  await writeFile(path(".vscode/launch.json"), theirs);
  await writeFile(path(".vscode/tasks.json"), "{ broken");
  const refused = await ide("vscode");
  expect(refused.stderr).toMatch(/\.vscode\/tasks\.json cannot be added to.*→ .*--force/s);
  expect(refused.exitCode).toBe(2);
  expect(await readFile(path(".vscode/launch.json"), "utf8")).toBe(theirs);

  expect((await ide("vscode", "--force")).exitCode).toBe(0);
  const launch = await readFile(path(".vscode/launch.json"), "utf8");
  expect(launch).toContain("// mine");
  expect(launch).toContain('"name": "mine"');
  expect(launch).toContain('"kdock: attach (C/C++)"');
});

it("vscode: with port 0 there is nothing to write before a VM has told its port", async () => {
  const { path, ide } = await project("gdb: { listen: 0 }");
  const refused = await ide("vscode");
  expect(refused.stderr).toMatch(/no VM has told its gdb port yet\n→ .*kdock run -d/);
  expect(refused.exitCode).toBe(2);
  await mkdir(path(".kdock"));
  await writeFile(path(".kdock/gdb-address"), "127.0.0.1:32769\n");
  expect((await ide("vscode")).stderr).toContain("gdb.listen has port 0");
  expect(await readFile(path(".vscode/launch.json"), "utf8")).toContain('"127.0.0.1:32769"');
});

it.each([
  ["nvim", ".nvim/kdock.lua"],
  ["devcontainer", ".devcontainer/devcontainer.json"],
])("%s: updates its own file, and does not overwrite somebody else's", async (editor, name) => {
  const { path, ide } = await project();
  expect((await ide(editor)).stdout).toContain(`written    ${name}`);
  expect((await ide(editor)).stdout).toContain(`unchanged  ${name}`);
  await writeFile(path(name), "mine\n");
  const refused = await ide(editor);
  expect(refused.stderr).toMatch(/is there already, and not of kdock's making\n→ .*--force/);
  expect(refused.exitCode).toBe(2);
  expect(await readFile(path(name), "utf8")).toBe("mine\n");
  expect((await ide(editor, "--force")).stdout).toContain(`updated    ${name}`);
});

it("nvim: never touches a .nvim.lua of one's own", async () => {
  const { path, ide } = await project();
  await writeFile(path(".nvim.lua"), "-- mine\n");
  expect((await ide("nvim", "--force")).stdout).toContain("left alone .nvim.lua");
  expect(await readFile(path(".nvim.lua"), "utf8")).toBe("-- mine\n");
});

it("an editor that is not known is exit code 2", async () => {
  const { ide } = await project();
  const { exitCode, stderr } = await ide("emacs");
  expect(stderr).toContain("vscode, nvim, devcontainer");
  expect(exitCode).toBe(2);
});
