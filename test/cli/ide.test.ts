import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
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
  ide: ((...args: string[]) => ReturnType<typeof kdock>) & {
    in: (env: Record<string, string>, ...args: string[]) => ReturnType<typeof kdock>;
  };
}> {
  const cwd = await mkdtemp(join(folder, "p-"));
  await writeFile(join(cwd, "kdock.yaml"), yaml);
  return {
    path: (name) => join(cwd, name),
    ide: Object.assign((...args: string[]) => kdock(["ide", ...args], { cwd, env }), {
      in: (other: Record<string, string>, ...args: string[]) =>
        kdock(["ide", ...args], { cwd, env: other }),
    }),
  };
}

it("vscode: writes launch.json and tasks.json, and reports what is missing", async () => {
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

it("vscode: uses a gdb of the host that supports the guest's architecture", async () => {
  const { path, ide } = await project("kernel: { arch: arm64 }");
  const bin = path("bin");
  await mkdir(bin);
  /** Output and exit code as of Debian's gdb and gdb-multiarch. */
  const gdb = async (name: string, known: RegExp) => {
    const script = `#!/bin/sh
for word; do
  case "$word" in
    "set architecture "*) name=\${word##* }
      echo "$name" | grep -qE '${known.source}' || { echo "Undefined item: \\"$name\\"." >&2; exit 1; } ;;
    "show architecture") echo "The target architecture is set to \\"$name\\"." ;;
  esac
done
`;
    await writeFile(join(bin, name), script, { mode: 0o755 });
  };
  const env = { DOCKER_HOST: "unix:///nowhere.sock", PATH: `${bin}:${process.env["PATH"] ?? ""}` };
  const written = async () => {
    const { stderr } = await ide.in(env, "vscode");
    const text = await readFile(path(".vscode/launch.json"), "utf8");
    return {
      stderr,
      gdbs: [...text.matchAll(/"miDebuggerPath": "(.*)"/g)].map(([, name]) => name),
    };
  };

  for (const name of ["gdb", "gdb-multiarch", "aarch64-linux-gnu-gdb"]) await gdb(name, /^i386/);
  const none = await written();
  expect(none.stderr).toMatch(/no gdb on this machine supports aarch64.*install gdb-multiarch/);
  expect(none.gdbs).toEqual(["gdb-multiarch", "gdb-multiarch"]);

  await gdb("aarch64-linux-gnu-gdb", /^aarch64$/);
  expect((await written()).gdbs).toEqual(["aarch64-linux-gnu-gdb", "aarch64-linux-gnu-gdb"]);
  await gdb("gdb-multiarch", /./);
  expect((await written()).gdbs).toEqual(["gdb-multiarch", "gdb-multiarch"]);
  await gdb("gdb", /./);
  const all = await written();
  expect(all.gdbs).toEqual(["gdb", "gdb"]);
  expect(all.stderr).not.toContain("no gdb on this machine");
});

it("vscode: queries the host's gdb for its architectures", async () => {
  const { path, ide } = await project();
  await ide("vscode");
  const launch = await readFile(path(".vscode/launch.json"), "utf8");
  const [, program = ""] = /"miDebuggerPath": "(.*)"/.exec(launch) ?? [];
  const { stdout } = await execa(program, ["-nx", "-batch", "-ex", "set architecture i386:x86-64"]);
  expect(stdout).toMatch(/set to "i386:x86-64"/);
});

it("vscode: adds to a launch.json with comments, and does not change an invalid one", async () => {
  const { path, ide } = await project();
  const theirs = '{\n  // mine\n  "configurations": [{ "name": "mine" }],\n}\n';
  await mkdir(path(".vscode"));
  await writeFile(path(".vscode/launch.json"), theirs);
  await writeFile(path(".vscode/tasks.json"), "{ broken");
  const refused = await ide("vscode");
  expect(refused.stderr).toMatch(
    /cannot merge kdock's entries into \.vscode\/tasks\.json.*→ .*--force/s,
  );
  expect(refused.exitCode).toBe(2);
  expect(await readFile(path(".vscode/launch.json"), "utf8")).toBe(theirs);

  expect((await ide("vscode", "--force")).exitCode).toBe(0);
  const launch = await readFile(path(".vscode/launch.json"), "utf8");
  expect(launch).toContain("// mine");
  expect(launch).toContain('"name": "mine"');
  expect(launch).toContain('"kdock: attach (C/C++)"');
});

it("vscode: with port 0 needs a VM that has started", async () => {
  const { path, ide } = await project("gdb: { listen: 0 }");
  const refused = await ide("vscode");
  expect(refused.stderr).toMatch(/the gdb port is not known yet\n→ .*kdock run -d/);
  expect(refused.exitCode).toBe(2);
  await mkdir(path(".kdock"));
  await writeFile(path(".kdock/gdb-address"), "127.0.0.1:32769\n");
  expect((await ide("vscode")).stderr).toContain("gdb.listen has port 0");
  expect(await readFile(path(".vscode/launch.json"), "utf8")).toContain('"127.0.0.1:32769"');
});

it.each([
  ["nvim", ".nvim/kdock.lua"],
  ["devcontainer", ".devcontainer/devcontainer.json"],
])("%s: updates its file, and does not overwrite another one", async (editor, name) => {
  const { path, ide } = await project();
  expect((await ide(editor)).stdout).toContain(`written    ${name}`);
  expect((await ide(editor)).stdout).toContain(`unchanged  ${name}`);
  await writeFile(path(name), "mine\n");
  const refused = await ide(editor);
  expect(refused.stderr).toMatch(/exists and was not written by kdock\n→ .*--force/);
  expect(refused.exitCode).toBe(2);
  expect(await readFile(path(name), "utf8")).toBe("mine\n");
  expect((await ide(editor, "--force")).stdout).toContain(`updated    ${name}`);
});

it("nvim: never changes the user's .nvim.lua", async () => {
  const { path, ide } = await project();
  await writeFile(path(".nvim.lua"), "-- mine\n");
  expect((await ide("nvim", "--force")).stdout).toContain("left alone .nvim.lua");
  expect(await readFile(path(".nvim.lua"), "utf8")).toBe("-- mine\n");
});

it("an unknown editor is exit code 2", async () => {
  const { ide } = await project();
  const { exitCode, stderr } = await ide("emacs");
  expect(stderr).toContain("vscode, nvim, devcontainer");
  expect(exitCode).toBe(2);
});
