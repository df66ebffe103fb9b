import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { cpSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ACCELERATORS } from "../../../src/config/config.js";
import { START_EXIT } from "../../../src/core/plan/script-exits.js";
import {
  CONSOLE_BEGINS,
  type ConsoleState,
  readConsole,
} from "../../../src/vm/plan/console-state.js";
import { plannedArgs, qemuArgs, startFacts } from "../../../src/vm/plan/qemu-args.js";
import { machine, type RunMode, vmEnvironment } from "../../../src/vm/plan/vm-plan.js";
import { ROOT } from "../../support/kdock.js";
import { config } from "../fixtures.js";

/** A copy of images/vm whose paths are below `folder`, and what stands for the programs of its container. */
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "kdock-start-"));
  cpSync(`${ROOT}images/vm`, join(folder, "lib"), { recursive: true });
  for (const name of ["bin", "run", "artifacts"]) await mkdir(join(folder, name));
  const names = join(folder, "lib/names.sh");
  const text = await readFile(names, "utf8");
  await writeFile(names, text.replace(/=(?=\/)/g, `=${folder}`));
  await mkdir(join(folder, "run/kdock"));
  const script = join(folder, "lib/start.sh");
  const code = await readFile(script, "utf8");
  await writeFile(script, code.replaceAll("/run/", `${folder}/run/`));
  for (const [program, script] of Object.entries(PROGRAMS)) {
    await writeFile(join(folder, "bin", program), `#!/bin/sh\n${script}\n`);
    await chmod(join(folder, "bin", program), 0o755);
  }
});
afterEach(() => rm(folder, { recursive: true }));

/** setpriv becomes the command behind its options; perl, which would run QEMU, prints that command. */
const PROGRAMS = {
  setpriv: 'while [ "${1#--}" != "$1" ]; do shift; done; exec "$@"',
  perl: 'printf "arg %s\\n" "$@"',
  ip: "exit 0",
  chown: "exit 0",
  chmod: "exit 0",
  "iptables-restore": "cat > /dev/null; exit ${IPTABLES:-0}",
  "ip6tables-restore": "cat > /dev/null; exit 0",
};

interface Start {
  readonly yaml: string;
  readonly mode?: RunMode;
  readonly environment?: Readonly<Record<string, string>>;
}

/** What start.sh says, and what it starts QEMU with: all behind the sandbox. */
async function start({ yaml, mode = { paused: false, command: false }, environment = {} }: Start) {
  const asked = config(yaml);
  const planned = machine(asked, mode);
  const { stdout, exitCode } = await execa(
    "sh",
    [join(folder, "lib/start.sh"), ...qemuArgs(planned)],
    {
      env: {
        ...vmEnvironment(asked),
        ...startFacts(planned),
        ...{ KDOCK_GUEST_MUX: "", KDOCK_ACCEL: "tcg", KDOCK_MACHINE: "other" },
        ...environment,
        PATH: `${folder}/bin:${process.env["PATH"] ?? ""}`,
      },
      reject: false,
    },
  );
  const args = stdout.split("\n").flatMap((line) => /^arg (.*)$/.exec(line)?.[1] ?? []);
  const at = args.indexOf("-sandbox");
  return { stdout, exitCode, args: at < 0 ? [] : args.slice(at + 2), planned };
}

/** What kdock makes of the lines that start.sh says. */
function heard(stdout: string): ConsoleState {
  return stdout
    .split("\n")
    .reduce((state, line) => readConsole(state, line.replace(/\r$/, "")).state, CONSOLE_BEGINS);
}

const valueOf = (args: readonly string[], option: string) => args[args.indexOf(option) + 1];
const NONE = "vm: { net: { mode: none } }";
const USER = "vm: { net: { mode: user } }";
/** Where the plan's paths are in this test. */
const placed = (args: readonly string[]) =>
  args.map((arg, at) => (args[at - 1] === "-initrd" ? `${folder}${arg}` : arg));

describe("start.sh", () => {
  it.each([
    ["a guest without a card", NONE],
    ["one on QEMU's own network", USER],
    ["one without gdbserver", "vm: { net: { mode: none } }\ngdb: { enable: false }"],
    ["one with disks and words of the user's", "vm: { net: { mode: user }, qemu: ['-d', 'int'] }"],
  ])("tells QEMU what was planned for %s", async (_what, yaml) => {
    const { args, planned, exitCode } = await start({ yaml });
    expect(exitCode).toBe(0);
    expect(args).toEqual(placed(plannedArgs(planned)));
    expect(await readFile(join(folder, "run/kdock-net-mode"), "utf8")).toBe(
      `${/mode: (\w+)/.exec(yaml)?.[1] ?? ""}\n`,
    );
  });

  it("makes the other modes out of a plan for a bridge", async () => {
    const user = await start({ yaml: "", environment: { KDOCK_NET_MODE: "user" } });
    expect(valueOf(user.args, "-netdev")).toBe(user.planned.network.user);
    expect(valueOf(user.args, "-append")).toMatch(/ panic=-1 .* kdock\.ip6=none$/);
    const none = await start({ yaml: "", environment: { KDOCK_NET_MODE: "none" } });
    expect(none.args.join(" ")).not.toContain("netdev");
    expect(valueOf(none.args, "-append")).toMatch(/ kdock\.ip=none$/);
  });

  it("adds the kernel's modules behind the root", async () => {
    for (const [path, text] of [
      ["artifacts/rootfs/rootfs.cpio", "root"],
      ["artifacts/kernel/modules.cpio", "modules"],
    ] as const) {
      await mkdir(join(folder, path, ".."), { recursive: true });
      await writeFile(join(folder, path), text);
    }
    const { args } = await start({ yaml: NONE });
    expect(valueOf(args, "-initrd")).toBe(`${folder}/run/initrd.cpio`);
    expect(await readFile(join(folder, "run/initrd.cpio"), "utf8")).toBe("rootmodules");
  });

  it("has no gdbserver where its port cannot be closed", async () => {
    const closed = { IPTABLES: "1" };
    const off = await start({ yaml: NONE, environment: closed });
    expect(off.args).not.toContain("-gdb");
    expect(heard(off.stdout).noGdbserver).toMatch(/^its port cannot be closed/);
    expect(await readFile(join(folder, "run/kdock-no-gdbserver"), "utf8")).toMatch(/^its port/);
    const mode = { paused: true, command: false };
    const paused = await start({ yaml: NONE, mode, environment: closed });
    expect(paused.exitCode).toBe(START_EXIT.refused);
    expect(heard(paused.stdout).refusal).toMatch(/^no gdbserver, and the guest was to wait/);
    const byHand = "vm: { net: { mode: none }, qemu: ['-S'] }";
    expect((await start({ yaml: byHand, environment: closed })).exitCode).toBe(START_EXIT.refused);
  });

  it.each(ACCELERATORS)("knows the accelerator %s", async (accel) => {
    const { stdout } = await start({ yaml: NONE, environment: { KDOCK_ACCEL: accel } });
    expect(stdout).toMatch(
      accel === "kvm"
        ? /error: KVM is required, but the guest is other/
        : /^\[kdock\] accelerator: tcg/m,
    );
  });

  it("refuses words that no plan says", async () => {
    for (const [name, known] of [
      ["KDOCK_ACCEL", "auto, kvm or tcg"],
      ["KDOCK_NET_MODE", "bridge, host, user or none"],
    ] as const) {
      const { stdout, exitCode } = await start({ yaml: NONE, environment: { [name]: "new" } });
      expect(stdout).toContain(`${name} is 'new': ${known}`);
      expect(exitCode).toBe(START_EXIT.refused);
    }
  });
});
