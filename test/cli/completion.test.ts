import { access, chmod, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type Shell, SHELLS } from "../../src/core/plan/choices.js";
import { FOLDER, LABEL, labels, projectNames } from "../../src/core/plan/names.js";
import { debianImage } from "../support/base-image.js";
import { CLI, docker, kdock } from "../support/kdock.js";
import { screen } from "../support/screen.js";

/** A project with built kernels and VMs by name only: what completion reads of them, in shells with a terminal. */
const KEY = "5c71aa00bb11cc22";
const START: Readonly<Record<Shell, readonly string[]>> = {
  bash: ["source <(kdock completion bash)"],
  zsh: ["exec zsh -f", "autoload -U compinit && compinit -D", "source <(kdock completion zsh)"],
  fish: ["exec fish --private", "kdock completion fish | source"],
};

let folder: string;
const containers: string[] = [];

beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "kdock-completion-")));
  const write = async (path: string, text: string) => {
    await mkdir(join(folder, path, ".."), { recursive: true });
    await writeFile(join(folder, path), text);
  };
  await write("bin/kdock", `#!/bin/sh\nexec node ${CLI} "$@"\n`);
  await chmod(join(folder, "bin/kdock"), 0o755);
  await write("kdock.yaml", "kernel: { set: { CONFIG_EXT4_FS: y } }\n");
  await write("other/kdock.yaml", "vms: { frontend: {} }\n");
  await write("my.config", "CONFIG_NET=y\n");
  await mkdir(join(folder, "my.folder"));
  const kernel = `${FOLDER.out}/kernel/${KEY}`;
  const manifest = { stage: "kernel", key: KEY, inputs: {}, resolved: {}, files: [] };
  await write(`${kernel}/${FOLDER.manifest}`, JSON.stringify(manifest));
  await write(`${kernel}/config`, "CONFIG_TCP_CONG_BBR=m\n# CONFIG_TCP_MD5SIG is not set\n");
  await write(
    `${kernel}/System.map`,
    "ffff00 T tcp_v4_rcv\nffff10 t tcp_v6_rcv\nffff20 D tcp_v4_d\n",
  );
  await mkdir(join(folder, FOLDER.current), { recursive: true });
  await symlink(`../kernel/${KEY}`, join(folder, FOLDER.current, "kernel"));
  await write(`${FOLDER.out}/module/hello/${FOLDER.manifest}`, "{}");
  containers.push(await vm("web", "sleep 3600"));
  containers.push(await vm("ended", "true"));
});

afterAll(async () => {
  for (const id of containers) await docker("rm", "-f", id);
  await rm(folder, { recursive: true });
});

async function vm(name: string, command: string): Promise<string> {
  const image = await debianImage();
  const names = projectNames(folder);
  const marks = { ...labels("vm", names.id), [LABEL.vm]: facts(name) };
  const flags = Object.entries(marks).flatMap(([key, value]) => ["--label", `${key}=${value}`]);
  return docker(
    "run",
    "-d",
    "--name",
    names.vmContainer(name),
    ...flags,
    image,
    "sh",
    "-c",
    command,
  );
}

const facts = (name: string) => JSON.stringify({ slot: { name, index: 0 } });

/** What is typed before a TAB, and the line after it; the @ is typed after the TAB. */
const CASES: readonly (readonly [string, string, string])[] = [
  ["a command", "kdock verif", "kdock verify @"],
  ["a subcommand", "kdock net ch", "kdock net check @"],
  ["a flag of the command", "kdock run --deta", "kdock run --detach @"],
  ["a flag of kdock itself", "kdock run --verb", "kdock run --verbose @"],
  ["a choice", "kdock run --arch ri", "kdock run --arch riscv64 @"],
  ["a choice behind =", "kdock run --arch=ri", "kdock run --arch=riscv64 @"],
  ["a choice of an argument", "kdock ide nv", "kdock ide nvim @"],
  ["a preset", "kdock -v build --preset defc", "kdock -v build --preset defconfig @"],
  ["a VM that runs", "kdock exec w", "kdock exec web @"],
  ["a VM as a flag's value", "kdock gdb --vm w", "kdock gdb --vm web @"],
  ["the beginning of a path in the guest", "kdock cp we", "kdock cp web:@"],
  ["no VM that has ended for exec", "kdock exec e", "kdock exec e@"],
  ["a VM that has ended for logs", "kdock logs e", "kdock logs ended @"],
  ["a VM that has ended, as a flag", "kdock stop --vm e", "kdock stop --vm ended @"],
  ["a VM of the kdock.yaml that is named", "kdock -c other/kdock.yaml up f", "yaml up frontend @"],
  ["a kernel's key", "kdock kernels rm 5c", `kdock kernels rm ${KEY} @`],
  ["a kernel to boot", "kdock run --kernel 5c", `kdock run --kernel ${KEY} @`],
  ["an option of the kernel", "kdock config why TCP_M", "kdock config why TCP_MD5SIG @"],
  ["it with CONFIG_", "kdock config why CONFIG_TCP_M", "why CONFIG_TCP_MD5SIG @"],
  ["an option to set", "kdock config set TCP_CONG", "kdock config set TCP_CONG_BBR=@"],
  ["an option of kernel.set", "kdock config unset CONFIG_E", "unset CONFIG_EXT4_FS @"],
  ["a function", "kdock trap tcp_v4_", "kdock trap tcp_v4_rcv @"],
  ["a module", "kdock module load he", "kdock module load hello @"],
  ["a file", "kdock build --fragment my.c", "kdock build --fragment my.config @"],
  ["a file behind =", "kdock build --fragment=my.c", "kdock build --fragment=my.config @"],
  ["a file behind a colon", "kdock build --preset file:my.c", "--preset file:my.config @"],
  ["a folder", "kdock build --overlay my.", "kdock build --overlay my.folder/@"],
  ["nothing for a command of the guest", "kdock exec -- my.", "kdock exec -- my.@"],
];

describe.each(SHELLS)("%s", (shell) => {
  const terminal = screen(`completion-${shell}`);

  beforeAll(async () => {
    // fish and zsh write down what is typed, in the home folder.
    await terminal.open(folder, { HOME: folder });
    const lines = [`export PATH=${folder}/bin:$PATH`, ...START[shell]];
    for (const line of lines) await terminal.type(line, "Enter");
    await terminal.type("echo rea''dy", "Enter");
    await terminal.shows(/^ready$/m);
  });
  afterEach(async () => {
    await terminal.type("C-u", "C-l");
  });
  afterAll(() => terminal.close());

  it.each(CASES)("completes %s", async (_what, typed, line) => {
    await terminal.type(typed, "Tab", "@");
    await terminal.shows(new RegExp(`${line.replace(/[.$]/g, "\\$&")}\\s*$`, "m"), 20);
  });

  it("runs nothing that stands on the line", async () => {
    await terminal.type("kdock gdb '$(touch ran)' \"`touch ran`\" $(touch ran) --vm w", "Tab", "@");
    await terminal.shows(/ web @\s*$/m, 20);
    await expect(access(join(folder, "ran"))).rejects.toThrow("ENOENT");
  });
});

it("files are completed where no engine answers", async () => {
  const env = { DOCKER_HOST: "unix:///nowhere/docker.sock" };
  const { exitCode, stdout } = await kdock(["completion", "bash", "--", "cp", "my."], {
    ...{ cwd: folder, env },
  });
  expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: "files 0 space\n" });
});
