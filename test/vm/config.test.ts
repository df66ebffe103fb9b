import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { execa } from "execa";
import { builderImage } from "../support/builder-image.js";
import { CLI, docker, kdock, ROOT } from "../support/kdock.js";
import { LAB, LAB_NAMES } from "../support/lab.js";
import { screen } from "../support/screen.js";

/** The lab with another kdock.yaml: source and builder image exist already, so each command only runs a container. */
const NAME = "config-test.yaml";
const FRAGMENT = "config-test.config";
const file = (name: string) => join(LAB, name);
const text = (name: string) => readFile(file(name), "utf8");
const config = (args: readonly string[], env?: Record<string, string>) =>
  kdock(["-c", NAME, "config", ...args], { cwd: LAB, ...(env === undefined ? {} : { env }) });

const YAML = `# our lab
kernel:
  # the team's
  set:
    CONFIG_BRIDGE: n   # for now
vm:
  cpus: 1   # one
`;

/** The options of the first test: later commands with them are cache hits. */
const SET = { KDOCK_KERNEL_SET: "TCP_CONG_ADVANCED=y,TCP_CONG_BBR=y" };

beforeEach(() => writeFile(file(NAME), YAML));
afterAll(async () => {
  await rm(file(NAME), { force: true });
  await rm(file(FRAGMENT), { force: true });
  const left = await docker("ps", "-aq", "--filter", `label=io.kdock.project=${LAB_NAMES.id}`);
  expect(left).toBe("");
});

it("the Kconfig reader passes its unit tests in a builder image", async () => {
  const image = await builderImage();
  const { exitCode, stderr } = await execa(
    "docker",
    [
      ...["run", "--rm", "--network", "none", "-e", "KDOCK_LIB=/kernel"],
      ...["-e", "PYTHONDONTWRITEBYTECODE=1", "-v", `${ROOT}images/kernel:/kernel:ro`],
      ...["-v", `${ROOT}test/kconfig:/test:ro`, "--entrypoint", "python3", image],
      "/test/test_tree.py",
    ],
    { reject: false },
  );
  expect(stderr).toMatch(/Ran [1-9]\d* tests/);
  expect(exitCode, stderr).toBe(0);
});

it("objects that were invalidated are compiled from the configuration, even if it is unchanged", async () => {
  const configure = "sh /usr/local/lib/kdock/build.sh configure";
  const script = `${configure}
    cp .config /tmp/before
    find /build -mindepth 1 -maxdepth 1 ! -name .config ! -name .kdock -exec rm -rf {} +
    rm .kdock/configured
    ${configure}
    cmp /tmp/before .config
    if [ -e include/config/auto.conf ] && [ ! .config -nt include/config/auto.conf ]; then
      grep -x CONFIG_NET=y include/config/auto.conf
    fi`;
  const env = Object.entries({ KDOCK_SOURCE: "debian:6.12", KDOCK_PRESET: "tiny" });
  const { exitCode, all } = await execa(
    "docker",
    [
      ...[
        "run",
        "--rm",
        "--network",
        "none",
        "-v",
        `${LAB_NAMES.volume("src", "debian-6.12")}:/src:ro`,
      ],
      ...env.flatMap(([name, value]) => ["-e", `${name}=${value}`]),
      ...["--entrypoint", "sh", await builderImage(), "-ec", script],
    ],
    { reject: false, all: true },
  );
  expect(all).toMatch(/preset tiny/);
  expect(exitCode, all).toBe(0);
});

it("set writes effective options and keeps comments, and show lists them", async () => {
  const { exitCode, stdout, stderr } = await config([
    "set",
    "TCP_CONG_ADVANCED=y",
    "TCP_CONG_BBR=y",
  ]);
  expect(exitCode, stderr).toBe(0);
  expect(stdout).toContain("CONFIG_TCP_CONG_BBR=y");
  expect(await text(NAME)).toBe(
    YAML.replace(
      "# for now\n",
      "# for now\n    CONFIG_TCP_CONG_ADVANCED: y\n    CONFIG_TCP_CONG_BBR: y\n",
    ),
  );
  const shown = await config(["show", "--requested", "TCP_CONG_BBR", "BRIDGE"]);
  expect(shown.stdout).toMatch(/CONFIG_TCP_CONG_BBR +y +kernel\.set/);
  expect(shown.exitCode).toBe(0);
});

it("set explains options that have no effect, and writes nothing", async () => {
  const { exitCode, stdout, stderr } = await config([
    ...["set", "BLOCK=n", "EXT4_FSS=y", "LOG_BUF_SHIFT=99", "ARM64_PAN=y"],
  ]);
  expect(stdout).toBe("");
  expect(stderr).toMatch(/CONFIG_EXT4_FS=y {2}\(is n\)\n {4}depends on CONFIG_BLOCK \[=n\]/);
  expect(stderr).toMatch(/CONFIG_EXT4_FSS=y.*\n.*no such option; did you mean CONFIG_EXT4_FS/);
  expect(stderr).toMatch(/its range is 12 to 25/);
  expect(stderr).toMatch(/defined for arm64 only \(arch\/arm64\/Kconfig:\d+\)/);
  expect(stderr).toMatch(/→ Nothing was written; --force/);
  expect(exitCode).toBe(2);
  expect(await text(NAME)).toBe(YAML);
});

it("why prints the tree of dependencies and how to enable the option", async () => {
  const { exitCode, stdout, stderr } = await config(["why", "KASAN", "CRC32"], SET);
  expect(exitCode, stderr).toBe(0);
  expect(stdout).toMatch(/^CONFIG_KASAN = n\n/);
  expect(stdout).toMatch(/✗ !CONFIG_SLUB_TINY \[=y\]/);
  expect(stdout).toMatch(/to get y: kdock config set SLUB_TINY=n KASAN=y/);
  expect(stdout).toMatch(/CONFIG_CRC32 = y\n.*\n.*\n {2}it is y: selected by CONFIG_/);
});

it("why reports an unknown option after the known ones", async () => {
  const { exitCode, stdout, stderr } = await config(["why", "CRC23", "CRC32"], SET);
  expect(stdout).toMatch(/^CONFIG_CRC32 = y\n/);
  expect(stderr).toMatch(/error: CONFIG_CRC23: .*CRC32/);
  expect(exitCode).toBe(2);
});

it("diff lists the changes to the preset, and exits with 1", async () => {
  const { exitCode, stdout, stderr } = await config(["diff"], SET);
  expect(stdout, stderr).toMatch(/^preset debug → /);
  expect(stdout).toMatch(/-CONFIG_TCP_CONG_BBR=n +\+CONFIG_TCP_CONG_BBR=y/);
  expect(stdout).toMatch(/\+CONFIG_DEFAULT_CUBIC=y/);
  expect(exitCode).toBe(1);
});

describe("invalid arguments", () => {
  it.each([
    [["menu"], /needs a terminal.*→ .*config set/s],
    [["set", "NET"], /expected NAME=VALUE/],
    [["set", "NE T=y"], /letters, digits and _/],
    [["unset", "NET"], /does not have CONFIG_NET\n→ It has CONFIG_BRIDGE/],
    [["diff", "ffff"], /ffff/],
    [["diff", "debian:6"], /expected debian:X\.Y/],
    [["diff", "release:6.1."], /expected release:X\.Y/],
    [["diff", "./no-such-tree"], /no-such-tree/],
  ])("%j exits with 2", async (args, message) => {
    const { exitCode, stderr } = await config(args);
    expect(stderr).toMatch(message);
    expect(exitCode).toBe(2);
    expect(await text(NAME)).toBe(YAML);
  });

  it("a configuration for another architecture exits with 2", async () => {
    await writeFile(file(FRAGMENT), "CONFIG_ARM64=y\nCONFIG_64BIT=y\n");
    const { exitCode, stderr } = await config(["show"], {
      KDOCK_KERNEL_PRESET: `file:${FRAGMENT}`,
    });
    expect(stderr).toMatch(/configuration for arm64, and the kernel is for x86_64\n→/);
    expect(exitCode).toBe(2);
    await rm(file(FRAGMENT));
  });
});

describe("menu", () => {
  const terminal = screen("config");
  beforeAll(() => terminal.open(LAB));
  afterAll(() => terminal.close());

  it("saves the smallest set of options that gives the chosen configuration", async () => {
    const menu = `node ${CLI} -c ${NAME} config menu --to ${FRAGMENT}; echo "ended: $?"`;
    await terminal.type(menu, "Enter");
    await terminal.shows(/Kernel Configuration[^]*General setup/, 240);
    await find("VETH");
    await terminal.type("n");
    await terminal.shows(/< > +Virtual ethernet pair/);
    await find("BRIDGE");
    await terminal.type("y");
    await terminal.shows(/<\*> +802.1d Ethernet Bridging/);
    await terminal.type("C-c");
    await terminal.shows(/Do you wish to save/);
    await terminal.type("Enter");
    await terminal.shows(/ended: 0/, 240);
    // BRIDGE is in kernel.set, which overrides fragments; the options that it selects are not written.
    expect(await text(FRAGMENT)).toMatch(/^# Written by .*\n# CONFIG_VETH is not set\n$/);
    const edited = await text(NAME);
    expect(edited).toMatch(/CONFIG_BRIDGE: y # for now/);
    expect(edited).toMatch(/fragments:\n {4}- config-test\.config\n/);
    expect(edited).toContain("cpus: 1   # one");
  });

  async function find(option: string): Promise<void> {
    await terminal.type("/");
    await terminal.shows(/Enter .*sub/);
    await terminal.type(`^${option}$`, "Enter");
    await terminal.shows(new RegExp(`Symbol: ${option} `));
    await terminal.type("1");
    await terminal.shows(/<Select>/);
  }
});
