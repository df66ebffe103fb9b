import type { Command } from "commander";
import { PassThrough } from "node:stream";
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { Kdock } from "../../src/app/kdock.js";
import { KdockError } from "../../src/core/errors.js";
import { kdockProgram } from "../../src/program.js";

/** What the step of a command was called with, as far as it names VMs. */
const calls = vi.hoisted((): { last: unknown } => ({ last: undefined }));

/** A step that says which VM it was asked for, and goes no further. */
const step = vi.hoisted(() => (vmOf: (...args: never[]) => unknown) => (...args: never[]) => {
  calls.last = vmOf(...args);
  return Promise.reject(new Error("stop here"));
});
const named = vi.hoisted(
  () =>
    (_project: unknown, { vm }: { vm?: string }) =>
      vm,
);
const third = vi.hoisted(() => (_ctx: unknown, _plan: unknown, vm?: string) => vm);

vi.mock("../../src/vm/steps/vms.js", () => ({ stopOne: step(third), openConsole: step(third) }));
vi.mock("../../src/vm/steps/logs.js", () => ({
  streamLogs: step((_ctx, _plan, { vm }: { vm?: string }) => vm),
}));
vi.mock("../../src/vm/steps/up.js", () => ({
  up: step((_project, { names }: { names: string[] }) => names.join()),
}));
vi.mock("../../src/vm/steps/run.js", () => ({
  run: step((_project, { name }: { name: string }) => name),
}));
vi.mock("../../src/editor/steps/ide.js", () => ({ writeIdeFiles: step(named) }));
vi.mock("../../src/debug/steps/trap.js", () => ({ trap: step(named) }));
vi.mock("../../src/debug/steps/debug.js", () => ({ debug: step(named) }));
vi.mock("../../src/debug/steps/run-gdb.js", () => ({ runGdb: step(named) }));
vi.mock("../../src/debug/steps/run-dap.js", () => ({
  runDap: step((_project, vm?: string) => vm),
}));
vi.mock("../../src/debug/steps/decode-text.js", () => ({ decodeText: step(named) }));
vi.mock("../../src/memory/steps/dump.js", () => ({ dump: step(named) }));
vi.mock("../../src/memory/steps/memory.js", () => ({ runMemory: step(named) }));
vi.mock("../../src/core/steps/files-among.js", () => ({ filesAmong: () => new Map() }));
vi.mock("../../src/network/steps/capture.js", () => ({
  capture: step((_project, { vm, words }: { vm?: string; words: string[] }) =>
    [vm, ...words].join(" "),
  ),
}));
vi.mock("../../src/network/steps/net-shape.js", () => ({
  shapeNet: step((_project, { vm, words }: { vm?: string; words: string[] }) =>
    [vm, ...words].join(" "),
  ),
}));
vi.mock("../../src/network/steps/net-check/net-check.js", () => ({
  checkNet: step((_project, vm?: string) => vm),
}));
vi.mock("../../src/guest/steps/find-guest.js", () => ({
  findGuest: step((_ctx, vm?: string) => vm),
}));
vi.mock("../../src/build/steps/module-store.js", () => ({
  requireModule: () => Promise.resolve({ source: "/work/hello" }),
}));
vi.mock("../../src/modules/steps/build-module.js", () => ({
  buildModule: step((_project, { vm }: { vm?: { name?: string } }) =>
    vm === undefined ? "none runs" : vm.name,
  ),
}));

const PROJECT = { ctx: {}, plan: {}, config: { vms: {}, gdb: {} } };
const open = () => Promise.resolve(PROJECT);
const KDOCK = {
  world: { cwd: "/work", env: {}, stdin: { isTTY: true }, stdout: { isTTY: true } },
  globals: {},
  configPath: "/work/kdock.yaml",
  resolve: (path: string) => path,
  ...{ open, openLocked: open, openBootable: open },
  openGuests: () => Promise.resolve({ cwd: "/work" }),
  printer: () => ({ line: () => undefined, result: () => undefined, note: () => undefined }),
} as unknown as Kdock;

function quiet(command: Command): void {
  const output = new PassThrough().resume();
  const write = (text: string) => output.write(text);
  command.exitOverride().configureOutput({ writeErr: write, writeOut: write });
  command.commands.forEach(quiet);
}

/** Which VM the step was asked for. Rejects with a usage error for what cannot be parsed. */
async function meant(line: string): Promise<unknown> {
  const program = await kdockProgram(KDOCK);
  quiet(program);
  await program.parseAsync(line.split(" "), { from: "user" }).catch((error: unknown) => {
    if (!(error instanceof Error && error.message === "stop here")) throw error;
  });
  return calls.last;
}

beforeEach(() => {
  calls.last = "not called";
});

/** Each command with a VM, and what follows its name there. */
const COMMANDS = [
  ...["logs", "console", "stop", "gdb", "dap", "decode", "drgn", "crash", "net check"],
  ...["trap f", "debug f", "dump file", "cp x :/root/", "ide vscode", "module load hello"],
  ...["module build ./hello --load", "up", "capture", "net shape", "exec", "exec -it"],
].map((before) => ({ before, after: before === "exec" ? " -- true" : "" }));

const WITHOUT = ["up", "capture", "net shape"];

describe("--vm NAME", () => {
  it.each(COMMANDS)("names the VM of kdock $before", async ({ before, after }) => {
    expect(await meant(`${before} --vm a${after}`)).toBe("a");
    const [first = "", ...rest] = before.split(" ");
    // A command that has subcommands takes its options behind them.
    if (first !== "net" && first !== "module") {
      expect(await meant([first, "--vm", "a", ...rest].join(" ") + after)).toBe("a");
    }
  });

  it.each(COMMANDS.filter(({ before }) => !WITHOUT.includes(before)))(
    "is not needed for the only VM: kdock $before",
    async ({ before, after }) => {
      expect(await meant(before + after)).toBeUndefined();
    },
  );

  it("is not needed for all of kdock.yaml, and may be repeated: kdock up", async () => {
    expect(await meant("up")).toBe("");
    expect(await meant("up --vm a --vm b")).toBe("a,b");
    expect(await meant("up a b --vm b --vm a")).toBe("b,a");
  });

  it("of run is what --name is", async () => {
    expect(await meant("run")).toBe("vm");
    expect(await meant("run --name a")).toBe("a");
    expect(await meant("run --vm a")).toBe("a");
    await expect(meant("run --vm a --name b")).rejects.toThrow(/two VMs are named/);
  });

  it("leaves all words to the filter and to netem", async () => {
    expect(await meant("capture --vm a tcp port 80")).toBe("a tcp port 80");
    expect(await meant("net shape --vm a delay 10ms")).toBe("a delay 10ms");
    expect(await meant("capture icmp")).toBe(" icmp");
  });

  it("alone builds a module for the kernel of the VM, without loading it", async () => {
    expect(await meant("module build ./hello")).toBe("none runs");
    expect(await meant("module build ./hello --vm a")).toBe("a");
  });
});

describe("a VM that is the object of the verb", () => {
  it.each(["logs a", "logs -f a", "console a", "stop a", "up a", "exec a -- true", "exec -it a"])(
    "is named behind it: kdock %s",
    async (line) => {
      expect(await meant(line)).toBe("a");
    },
  );

  it.each(["cp x a:/root/", "cp a:/root/x .", "cp --vm a x a:/root/"])(
    "is named before its path: kdock %s",
    async (line) => {
      expect(await meant(line)).toBe("a");
    },
  );

  it.each([
    "logs a --vm a",
    "stop a --vm a",
    "console a --vm a",
    "exec a --vm a -- true",
    "up a --vm a",
  ])("may be named twice: kdock %s", async (line) => {
    expect(await meant(line)).toBe("a");
  });

  it.each([
    ...["logs a --vm b", "stop a --vm b", "console a --vm b", "up a --vm b", "up a b --vm a"],
    ...["exec a --vm b -- true", "exec -it a --vm b", "cp x a:/root/ --vm b", "cp a:/x . --vm b"],
    ...["net check a --vm b", "module load hello a --vm b", "module build x --load a --vm b"],
  ])("is not two VMs: kdock %s", async (line) => {
    const refused = expect(meant(line)).rejects;
    await refused.toBeInstanceOf(KdockError);
    await expect(meant(line)).rejects.toMatchObject({ code: "usage" });
    expect(calls.last).toBe("not called");
  });
});

describe("an older spelling", () => {
  it("of exec is an empty name, for the only VM", async () => {
    await meant("exec  -- true");
    expect(calls.last).toBeUndefined();
  });

  it.each(["net check a", "module load hello a", "module build ./hello --load a"])(
    "is accepted: kdock %s",
    async (line) => {
      expect(await meant(line)).toBe("a");
    },
  );

  it("is left to the step where only the VMs that there are tell a name from a word", async () => {
    expect(await meant("capture a icmp")).toBe(" a icmp");
    expect(await meant("net shape a off")).toBe(" a off");
  });

  it("is in no --help", async () => {
    const program = await kdockProgram(KDOCK);
    const part = (...names: string[]) =>
      names.reduce<Command | undefined>(
        (command, name) => command?.commands.find((each) => each.name() === name),
        program,
      );
    for (const path of [
      ["net", "check"],
      ["module", "load"],
      ["module", "build"],
    ]) {
      expect(part(...path)?.helpInformation()).not.toMatch(/\[vm\]|^ +vm\b/m);
    }
    expect(part("run")?.helpInformation()).not.toContain("--vm");
  });
});

describe("of all commands", () => {
  const all = async () => {
    const commands = (command: Command): Command[] => [
      command,
      ...command.commands.flatMap(commands),
    ];
    return commands(await kdockProgram(KDOCK));
  };

  it("no option but --vm NAME names a VM that there is", async () => {
    const vm = (await all()).flatMap(({ options }) =>
      options.filter(({ long }) => long === "--vm"),
    );
    expect(new Set(vm.map(({ flags }) => flags))).toEqual(new Set(["--vm <name>"]));
  });

  it("a letter means the same, but for -f: --follow as in docker logs, --force as in docker rm", async () => {
    const meanings = new Map<string, Set<string>>();
    for (const { options } of await all()) {
      for (const { short, long } of options) {
        if (short === undefined || long === undefined) continue;
        meanings.set(short, (meanings.get(short) ?? new Set()).add(long));
      }
    }
    expect(meanings.get("-c")).toEqual(new Set(["--config"]));
    const several = [...meanings].filter(([, { size }]) => size > 1);
    expect(several).toEqual([["-f", new Set(["--force", "--follow"])]]);
  });
});
