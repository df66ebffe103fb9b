import { KdockError } from "../../core/errors.js";

/** Where things are and what compiles them is the kernel's: images/kernel/outer-make.sh leaves the same ones out. */
const OURS =
  /^(?:O|M|SUBDIRS|KBUILD_(?:OUTPUT|EXTMOD|SRC)|(?:SUB|SRC)?ARCH|CROSS_COMPILE|LLVM(?:_IAS)?|PAHOLE|CC|LD|AR|NM|OBJCOPY|OBJDUMP|READELF|STRIP|HOST(?:CC|CXX|LD|AR)|MAKE(?:FLAGS|FILES|OVERRIDES)?|SHELL|PATH)$/;

/** "NAME=value" of each `--make`, in their order. Throws a `usage` error for what is none. */
export function makeVariables(given: readonly string[]): readonly string[] {
  for (const each of given) {
    const [, name] = /^([A-Za-z_][\w.-]*)=[^\n\r\0]*$/.exec(each) ?? [];
    if (name === undefined) {
      throw new KdockError("usage", `--make ${each} is no variable for make`, {
        hint: "Write NAME=value, as after `make`: --make DEBUG=1.",
      });
    }
    if (OURS.test(name)) {
      throw new KdockError("usage", `--make ${each}: ${name} is what the kernel was built with`, {
        hint: "kernel.arch and kernel.toolchain choose it, for the kernel and its modules.",
      });
    }
  }
  return given;
}

/** The file that images/kernel/module.sh reads. */
export function variablesFile(variables: readonly string[]): string {
  return variables.map((each) => `${each}\n`).join("");
}

/** The words of a command line that gives them again. */
export function makeFlags(variables: readonly string[]): string {
  return variables.map((each) => ` --make ${shellWord(each)}`).join("");
}

function shellWord(text: string): string {
  return /^[\w./=:+,@%-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
