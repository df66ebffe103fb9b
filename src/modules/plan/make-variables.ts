import { KdockError } from "../../core/errors.js";

/** Paths and tools are those of the kernel's build; images/kernel/outer-make.sh ignores the same variables. */
const RESERVED =
  /^(?:O|M|SUBDIRS|KBUILD_(?:OUTPUT|EXTMOD|SRC)|(?:SUB|SRC)?ARCH|CROSS_COMPILE|LLVM(?:_IAS)?|PAHOLE|CC|LD|AR|NM|OBJCOPY|OBJDUMP|READELF|STRIP|HOST(?:CC|CXX|LD|AR)|MAKE(?:FLAGS|FILES|OVERRIDES)?|SHELL|PATH)$/;

/** "NAME=value" of each `--make`, in order. Throws a `usage` error for other texts and for reserved variables. */
export function makeVariables(given: readonly string[]): readonly string[] {
  for (const each of given) {
    const [, name] = /^([A-Za-z_][\w.-]*)=[^\n\r\0]*$/.exec(each) ?? [];
    if (name === undefined) {
      throw new KdockError("usage", `--make ${each} is not a variable for make`, {
        hint: "Write NAME=value, as after `make`: --make DEBUG=1.",
      });
    }
    if (RESERVED.test(name)) {
      throw new KdockError("usage", `--make ${each}: ${name} is fixed by the kernel's build`, {
        hint: "Set kernel.arch or kernel.toolchain, for the kernel and its modules.",
      });
    }
  }
  return given;
}

/** The file that images/kernel/module.sh reads. */
export function variablesFile(variables: readonly string[]): string {
  return variables.map((each) => `${each}\n`).join("");
}

/** The flags for a command line, with a leading space. */
export function makeFlags(variables: readonly string[]): string {
  return variables.map((each) => ` --make ${shellWord(each)}`).join("");
}

function shellWord(text: string): string {
  return /^[\w./=:+,@%-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
