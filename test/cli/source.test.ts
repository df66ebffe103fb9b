import { mkdir, mkdtemp, readdir, readFile, realpath, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { projectNames } from "../../src/core/plan/names.js";
import { docker, kdock, removeVolumes } from "../support/kdock.js";

/** A project whose volumes hold a kernel of three files: export works the same, without a build. */
let folder: string;
let names: ReturnType<typeof projectNames>;
let builder: string;
const file = (name: string) => join(folder, name);
const exported = (...args: string[]) => kdock(["source", "export", ...args], { cwd: folder });

const SOURCE = `
set -e
umask 022
mkdir -p /src/net/ipv4 /src/scripts/clang-tools /src/.kdock-patches/pristine /src/.fetch.abc
printf 'origin linux-source-6.12_6.12.1-1_all\\n' > /src/.kdock-source
printf 'int tcp_v4_rcv(void) { return 0; }\\n' > /src/net/ipv4/tcp_ipv4.c
touch -d 2020-02-02 /src/net/ipv4/tcp_ipv4.c
ln -s ../.././net/ipv4/tcp_ipv4.c /src/net/ipv4/link.c
cat > /src/scripts/clang-tools/gen_compile_commands.py <<'EOF'
import json, sys
command = "ccache gcc-14 -I/src/include -c /src/net/ipv4/tcp_ipv4.c"
entry = {"directory": "/build", "file": "/src/net/ipv4/tcp_ipv4.c", "command": command}
json.dump([entry], open(sys.argv[sys.argv.index("-o") + 1], "w"))
EOF
`;
const OBJECTS = `
set -e
mkdir -p /build/include/generated /build/.kdock
echo CONFIG_NET=y > /build/.config
echo '#define CONFIG_NET 1' > /build/include/generated/autoconf.h
echo '/* of no use to an editor */' > /build/.kdock/state.h
`;

async function inVolumes(script: string): Promise<void> {
  const mounts = [
    ["src", "debian:6.12", "/src", "source"],
    ["build", "debian:6.12-gcc-14", "/build", "objects"],
  ] as const;
  const flags: string[] = [];
  for (const [kind, detail, target, role] of mounts) {
    const volume = names.volume(kind, detail);
    const labels = [`io.kdock.project=${names.id}`, `io.kdock.role=${role}`];
    await docker("volume", "create", ...labels.flatMap((label) => ["--label", label]), volume);
    flags.push("-v", `${volume}:${target}`);
  }
  await docker("run", "--rm", ...flags, "--entrypoint", "sh", builder, "-c", script);
}

beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "kdock-source-")));
  names = projectNames(folder);
  await writeFile(file("kdock.yaml"), "");
  const images = await docker("images", "-q", "--filter", "label=io.kdock.role=image-kernel");
  builder = images.split("\n")[0] ?? "";
});
afterAll(async () => {
  await removeVolumes(folder);
  await rm(folder, { recursive: true });
});

it("export before the first build is an error", async () => {
  const { exitCode, stderr } = await exported("linux");
  expect(stderr).toMatch(/the engine has no kernel source.*→ Run `kdock build` first/s);
  expect(exitCode).toBe(2);
  const volumes = await docker("volume", "ls", "-q", "--filter", `name=${names.id}`);
  expect(volumes).toBe("");
});

describe("with sources", () => {
  beforeAll(() => inVolumes(SOURCE));

  it("copies the tree and generated files, read-only, with mtimes", async () => {
    await inVolumes(OBJECTS);
    const { exitCode, stdout, stderr } = await exported("linux");
    expect(stdout).toBe(`source: ${file("linux")}\n`);
    expect(stderr).toContain("linux-source-6.12_6.12.1-1_all");
    expect(stderr).toContain("the kernel is not compiled");
    expect(exitCode).toBe(0);
    const source = await stat(file("linux/net/ipv4/tcp_ipv4.c"));
    expect(source.mode & 0o777).toBe(0o444);
    expect(source.mtime.getUTCFullYear()).toBe(2020);
    expect(await readFile(file("linux/net/ipv4/link.c"), "utf8")).toContain("tcp_v4_rcv");
    const generated = await readFile(file("linux/.kdock-build/include/generated/autoconf.h"));
    expect(String(generated)).toContain("CONFIG_NET");
    expect((await readdir(file("linux"))).sort()).toEqual(
      [".kdock-build", ".kdock-source-export", "net", "scripts"].sort(),
    );
    expect(await readdir(file("linux/.kdock-build"))).not.toContain(".kdock");
    expect(await readdir(folder)).not.toContainEqual(expect.stringContaining(".tmp-"));
  });

  it("is up to date the second time, and exports again with --force", async () => {
    expect((await exported("linux")).stderr).toContain("up to date");
    expect((await exported("linux", "--force")).stderr).not.toContain("up to date");
  });

  it("exports again after the source was patched", async () => {
    await inVolumes(
      "echo 1234 0001-x.patch > /src/.kdock-patches/series; echo patched > /src/net/ipv4/tcp_ipv4.c",
    );
    expect((await exported("linux")).exitCode).toBe(0);
    expect(await readFile(file("linux/net/ipv4/tcp_ipv4.c"), "utf8")).toBe("patched\n");
  });

  it("--compile-commands needs compiled files, and refers to the exported ones", async () => {
    const refused = await exported("linux", "--compile-commands");
    expect(refused.stderr).toMatch(/it has not been compiled\n→ Run `kdock build`/);
    expect(refused.exitCode).toBe(2);

    await inVolumes("touch /build/vmlinux");
    const { exitCode, stderr } = await exported("linux", "--compile-commands");
    expect(stderr).not.toContain("not compiled");
    expect(exitCode).toBe(0);
    const text = await readFile(file("linux/compile_commands.json"), "utf8");
    const source = file("linux/net/ipv4/tcp_ipv4.c");
    expect(JSON.parse(text)).toEqual([
      {
        directory: file("linux/.kdock-build"),
        file: source,
        arguments: ["gcc-14", `-I${file("linux/include")}`, "-c", source],
      },
    ]);
  });

  it("is found by kdock ide", async () => {
    expect((await kdock(["ide", "vscode"], { cwd: folder })).exitCode).toBe(0);
    const launch = await readFile(file(".vscode/launch.json"), "utf8");
    expect(launch).toContain('"/src": "${workspaceFolder}/linux"');
  });

  it.each([
    ["a folder with something else in it", "mine", /not empty.*→ .*--force/s],
    ["a file", "mine/file", /is a file/],
    ["the project itself", ".", /contains the project or the home folder/],
    ["what is above it", "/", /contains the project or the home folder/],
  ])("rejects %s", async (_what, target, message) => {
    await mkdir(file("mine"), { recursive: true });
    await writeFile(file("mine/file"), "precious\n");
    const { exitCode, stderr } = await exported(target);
    expect(stderr).toMatch(message);
    expect(exitCode).toBe(2);
    expect(await readFile(file("mine/file"), "utf8")).toBe("precious\n");
  });

  it("rejects the project itself even with --force", async () => {
    expect((await exported(".", "--force")).exitCode).toBe(2);
    expect((await exported("mine", "--force")).exitCode).toBe(0);
    expect(await readdir(file("mine"))).not.toContain("file");
  });
});
