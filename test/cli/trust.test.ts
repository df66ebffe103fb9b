import {
  chmod,
  chown,
  mkdir,
  mkdtemp,
  readFile,
  realpath,
  rm,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CLI, kdock } from "../support/kdock.js";
import { screen } from "../support/screen.js";

let outer: string;
let folder: string;
let env: Record<string, string>;

beforeEach(async () => {
  outer = await realpath(await mkdtemp(join(tmpdir(), "kdock-trust-")));
  folder = join(outer, "lab");
  for (const name of ["lab", "lab/data", "elsewhere"]) await mkdir(join(outer, name));
  // Without the test runner's variable, which allows everything.
  env = { XDG_STATE_HOME: join(outer, "state"), KDOCK_TRUST: "" };
});
afterEach(() => rm(outer, { recursive: true }));

const configure = (yaml: string) => writeFile(join(folder, "kdock.yaml"), yaml);
const plan = (...flags: string[]) => kdock(["plan", ...flags], { cwd: folder, env });
const store = () => join(outer, "state/kdock/trusted.json");

async function expectAsked(what: RegExp, ...flags: string[]) {
  const { exitCode, stdout, stderr } = await plan(...flags);
  expect(stderr).toMatch(what);
  expect(stderr).toMatch(/→ .*--trust.*KDOCK_TRUST=1/);
  expect(stdout).toBe("");
  expect(exitCode).toBe(2);
}

async function expectAllowed(...flags: string[]) {
  const { exitCode, stderr } = await plan(...flags);
  expect(stderr).not.toMatch(/asks for more/);
  expect(exitCode).toBe(0);
}

describe("a project that stays in its folder", () => {
  it("needs no confirmation, also with its own files, and nothing is recorded", async () => {
    await configure("vm: { shares: ['./data:rw'], ports: ['8080:80'], disks: [1G] }");
    await expectAllowed();
    await expect(stat(store())).rejects.toThrow(/ENOENT/);
  });

  it("needs no confirmation for flags and environment variables", async () => {
    await configure("");
    await expectAllowed("--share", "../elsewhere:rw", "--disk", "/etc/hostname:ro");
    env["KDOCK_VM_QEMU"] = "-device";
    await expectAllowed();
  });

  it("needs confirmation for a link that leads outside", async () => {
    await configure("vm: { shares: [./data/deeper] }");
    await mkdir(join(folder, "data/deeper"));
    await expectAllowed();
    await rm(join(folder, "data"), { recursive: true });
    await symlink(join(outer, "elsewhere"), join(folder, "data"));
    await mkdir(join(outer, "elsewhere/deeper"));
    await expectAsked(/vm\.shares: \.\/data\/deeper/);
  });
});

describe("a project that reaches outside its folder", () => {
  beforeEach(() => configure("vm: { shares: ['../elsewhere:/mnt/e:rw'], qemu: [-device, edu] }"));

  it("is rejected without a terminal, with a list of what it needs", async () => {
    await expectAsked(
      /lab asks for more than its own folder:\n {2}vm\.shares: \.\.\/elsewhere:\/mnt\/e:rw\n {4}the guest reads and writes this folder\n {2}vm\.qemu: -device edu\n/,
    );
    const { stdout, exitCode } = await kdock(["--json", "plan"], { cwd: folder, env });
    expect(JSON.parse(stdout)).toMatchObject({ type: "error", code: "config", exitCode: 2 });
    expect(exitCode).toBe(2);
  });

  it("is allowed for one command by the variable, and permanently by the flag", async () => {
    env["KDOCK_TRUST"] = "1";
    await expectAllowed();
    env["KDOCK_TRUST"] = "";
    await expectAsked(/vm\.qemu/);
    expect((await kdock(["--trust", "plan"], { cwd: folder, env })).exitCode).toBe(0);
    expect((await stat(store())).mode & 0o777).toBe(0o600);
    await expectAllowed();
    // A flag replaces the file's value, and needs no confirmation.
    await expectAllowed("--share", "/etc");
  });

  it("needs confirmation again for something else, but not for less", async () => {
    await kdock(["--trust", "plan"], { cwd: folder, env });
    await configure("vm: { qemu: [-device, edu] }");
    await expectAllowed();
    await configure("vm: { shares: ['../elsewhere:/mnt/other:rw'], qemu: [-device, edu] }");
    await expectAsked(/^error: .*:\n {2}vm\.shares: \.\.\/elsewhere:\/mnt\/other:rw\n {4}.*\n→/);
  });

  it("is not allowed by a record that others could have written", async () => {
    await kdock(["--trust", "plan"], { cwd: folder, env });
    await expectAllowed();
    await chmod(store(), 0o666);
    await expectAsked(/vm\.qemu/);
    await chmod(store(), 0o600);
    await chown(store(), 12345, 12345);
    await expectAsked(/vm\.qemu/);
  });

  it("is allowed by a confirmation on the terminal, once", async () => {
    const terminal = screen("trust");
    await terminal.open(folder, env);
    try {
      const asked = async (time: number) => {
        await terminal.type(
          `echo run=${time}; node ${CLI} plan > out; echo exit-${time}=$?`,
          "Enter",
        );
        const question = `^run=${time}\n[^]*vm\\.qemu: -device edu\n[^]*Allow that from now on\\? \\[y/N\\]`;
        await terminal.shows(new RegExp(question, "m"));
      };
      await asked(1);
      await terminal.type("n", "Enter");
      await terminal.shows(/^error: not allowed:[^]*^exit-1=2$/m);
      await asked(2);
      await terminal.type("C-c", "");
      await terminal.shows(/^kdock: interrupted\nexit-2=130$/m);
      await asked(3);
      await terminal.type("y", "Enter");
      await terminal.shows(/^exit-3=0$/m);
      expect(await readFile(join(folder, "out"), "utf8")).toMatch(/^project lab-/);
      await expectAllowed();
    } finally {
      await terminal.close();
    }
  });
});

describe("a git repository in the project", () => {
  const repository = () => join(folder, "repo");
  beforeEach(async () => {
    await configure("kernel: { source: 'git:./repo#main' }");
    for (const name of ["repo/objects/info", "repo/objects/pack", "repo/refs/heads"]) {
      await mkdir(join(folder, name), { recursive: true });
    }
    await writeFile(join(repository(), "HEAD"), "ref: refs/heads/main\n");
  });

  const mounted = async () => {
    const { stdout } = await plan("--json");
    const { data } = JSON.parse(stdout) as {
      data: { kernel: { container: { hostPaths: readonly { path: string }[] } } };
    };
    return data.kernel.container.hostPaths.map(({ path }) => path);
  };

  it("is mounted without invalid alternates", async () => {
    await writeFile(join(repository(), "objects/info/alternates"), `${outer}/elsewhere\n`);
    expect(await mounted()).toEqual([repository()]);
  });

  it("needs confirmation for objects outside", async () => {
    await mkdir(join(outer, "elsewhere/pack"));
    await writeFile(join(repository(), "objects/info/alternates"), `${outer}/elsewhere\n`);
    await expectAsked(
      /kernel\.source: git:\.\/repo#main\n {4}builds read .*\/elsewhere, an alternate of it\n/,
    );
    await expectAllowed("--kernel", "git:../lab/repo#main");
    expect((await kdock(["--trust", "plan"], { cwd: folder, env })).exitCode).toBe(0);
    await expectAllowed();
    expect(await mounted()).toEqual([repository(), join(outer, "elsewhere")]);
  });
});

describe("a folder of another user", () => {
  beforeEach(() => configure(""));

  it("is rejected as a state folder, also for commands that only write to it", async () => {
    await mkdir(join(folder, ".kdock"));
    await expectAllowed();
    for (const [change, what] of [
      [() => chmod(join(folder, ".kdock"), 0o777), /others may write to .*\.kdock \(mode 777\)/],
      [
        () => chown(join(folder, ".kdock"), 12345, 12345),
        /\.kdock belongs to another user \(uid 12345/,
      ],
    ] as const) {
      await change();
      const { exitCode, stderr } = await plan();
      expect(stderr).toMatch(what);
      expect(exitCode).toBe(2);
    }
  });

  it.each([".kdock", ".kdock/logs", ".kdock/out"])(
    "is not written to through a link %s",
    async (name) => {
      await mkdir(join(folder, ".kdock"));
      await rm(join(folder, name), { recursive: true, force: true });
      await symlink(join(outer, "elsewhere"), join(folder, name));
      env["KDOCK_TRUST"] = "1";
      const { exitCode, stderr } = await plan();
      expect(stderr).toMatch(
        / is a link to .*elsewhere, and kdock writes through no link there\n→ Remove/,
      );
      expect(exitCode).toBe(2);
    },
  );

  it("needs confirmation as a project, once", async () => {
    await chown(join(folder, "kdock.yaml"), 12345, 12345);
    await expectAsked(/file: .*kdock\.yaml\n {4}belongs to another user \(uid 12345\)/);
    await chown(folder, 12345, 12345);
    await expectAsked(/folder: .*lab\n/);
    await kdock(["--trust", "plan"], { cwd: folder, env });
    await expectAllowed();
  });

  it("counts as own for root with sudo", async () => {
    for (const name of ["", "kdock.yaml"]) await chown(join(folder, name), 12345, 12345);
    await expectAsked(/uid 12345/);
    env["SUDO_UID"] = "12345";
    await expectAllowed();
  });
});
