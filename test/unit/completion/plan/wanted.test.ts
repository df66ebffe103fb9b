import { describe, expect, it } from "vitest";
import type { Kdock } from "../../../../src/app/kdock.js";
import { readCommandLine } from "../../../../src/completion/plan/command-line.js";
import { placeholder } from "../../../../src/completion/plan/command-shape.js";
import { VALUES } from "../../../../src/completion/plan/values.js";
import { wantedAt } from "../../../../src/completion/plan/wanted.js";
import { COMMAND_NAMES } from "../../../../src/features.js";
import { kdockProgram } from "../../../../src/program.js";

const program = await kdockProgram({} as Kdock);

/** The last of the words has the cursor at its end. */
function wanted(...words: string[]) {
  const line = readCommandLine(program, words.slice(0, -1));
  return wantedAt(line, words.at(-1) ?? "");
}

const values = (...words: string[]) => wanted(...words).candidates.map(({ value }) => value);

describe("wantedAt", () => {
  it("offers commands with the lines that --help has for them", () => {
    expect(values("")).toEqual([...COMMAND_NAMES, "help"]);
    expect(wanted("").candidates).toContainEqual({ value: "ps", about: "list the project's VMs" });
  });

  it("offers subcommands, also for help", () => {
    expect(values("net", "")).toEqual(["check", "shape", "help"]);
    expect(values("help", "")).toContain("run");
    expect(values("help", "net", "")).toContain("shape");
  });

  it("offers a command's flags and kdock's own", () => {
    const flags = values("run", "-");
    expect(flags).toEqual(expect.arrayContaining(["--arch", "--no-gdb", "--json", "--help"]));
    expect(flags).not.toContain("--bt");
    expect(values("config", "set", "--")).toContain("--force");
  });

  it("offers the choices of a flag and of an argument", () => {
    expect(values("run", "--accel", "")).toEqual(["auto", "kvm", "tcg"]);
    expect(wanted("run", "--accel=k")).toMatchObject({ before: "--accel=", typed: "k" });
    expect(values("build", "kernel", "")).toEqual(["kernel", "busybox", "rootfs"]);
    expect(values("lock", "--update", "kernel", "q")).toContain("qemu");
  });

  it.each([
    ["exec", "", ["running-vm"]],
    ["exec web", "", []],
    ["exec --", "", []],
    ["exec --cwd", "", []],
    ["gdb --vm", "", ["running-vm"]],
    ["module build x --vm", "", ["running-vm"]],
    ["module build x --load", "", []],
    ["logs", "", ["vm"]],
    ["logs --vm", "", ["vm"]],
    ["stop --vm", "", ["vm"]],
    ["exec --vm", "", ["running-vm"]],
    ["cp --vm", "", ["running-vm"]],
    ["net check --vm", "", ["running-vm"]],
    ["net check", "", []],
    ["net shape", "", []],
    ["net shape --vm", "", ["running-vm"]],
    ["capture", "", []],
    ["capture --vm", "", ["running-vm"]],
    ["module load x", "", []],
    ["module load --vm", "", ["running-vm"]],
    ["up --vm", "", ["configured-vm"]],
    ["kernels rm a", "", ["kernel-key"]],
    ["build --kernel", "", []],
    ["run --kernel", "", ["kernel-key"]],
    ["diff a", "", ["any-key"]],
    ["diff a b", "", []],
    ["config show", "", ["kernel-option"]],
    ["config set -f", "", ["kernel-setting"]],
    ["build --set", "", ["kernel-setting"]],
    ["config unset", "", ["configured-option"]],
    ["-c x.yaml -v up", "", ["configured-vm"]],
    ["trap a", "", ["function"]],
    ["debug a --", "", []],
  ])("%s: the names that are looked up", (words, last, names) => {
    expect(wanted(...words.split(" "), last).names).toEqual(names);
  });

  it.each([
    ["-c", "files"],
    ["build --fragment", "files"],
    ["build --deoptimize", "none"],
    ["run --overlay", "folders"],
    ["debug a --", "files"],
    ["run --", "none"],
    ["run --arch", "none"],
  ])("%s: paths", (words, paths) => {
    expect(wanted(...words.split(" "), "").paths).toBe(paths);
  });
});

describe("readCommandLine", () => {
  const read = (words: string) => readCommandLine(program, words.split(" "));

  it("knows which flags leave their value to the next word", () => {
    expect(read("run -p").open?.option.long).toBe("--publish");
    expect(read("run -dp").open?.option.long).toBe("--publish");
    expect(read("run -p80:80").open).toBeUndefined();
    expect(read("run -d").open).toBeUndefined();
    expect(read("run --memory=1G").open).toBeUndefined();
    expect(read("run --dump-on-panic").open?.mayEnd).toBe(true);
    expect(read("run --dump-on-panic --cpus").open?.option.long).toBe("--cpus");
  });

  it.each(["-c a.yaml ps", "ps --config a.yaml", "ps --config=a.yaml", "ps -ca.yaml"])(
    "%s names the configuration file",
    (words) => {
      expect(read(words).config).toBe("a.yaml");
    },
  );
});

describe("VALUES", () => {
  it("has no row that no definition has", () => {
    const places = new Set<string>();
    for (const command of program.commands.flatMap((each) => [each, ...each.commands])) {
      const parent = command.parent === program ? "" : `${command.parent?.name() ?? ""} `;
      const name = `${parent}${command.name()}`;
      places.add(`${name} --`);
      for (const argument of command.registeredArguments) {
        places.add(`${name} ${argument.name()}`).add(argument.name());
      }
      for (const option of [...command.options, ...program.options]) {
        const { long = "" } = option;
        places.add(`${name} ${long}`).add(long).add(placeholder(option));
      }
    }
    expect(Object.keys(VALUES).filter((place) => !places.has(place))).toEqual([]);
  });
});
