import { isCompilerNewer } from "./compiler-bounds.js";
import { toolchainFor } from "./toolchain.js";

/** Patterns of well-known build errors of old trees with newer tools, and their causes. */
const KNOWN: readonly (readonly [sign: RegExp, cause: string])[] = [
  [/Compiler is too old|this compiler is not supported/, "the tree needs a newer compiler"],
  [/multiple definition of .*yylloc/, "host tools define a variable twice, which gcc 10 refuses"],
  [
    /subcmd-util\.h.*use-after-free|Werror=use-after-free/,
    "objtool's library does not compile without warnings from gcc 12 on",
  ],
  [
    /objtool: missing symbol for insn|Cannot find symbol for section/,
    "the tree's tools cannot read the objects of this binutils",
  ],
  [
    /gcc-plugins\/.*error:|in plugins? .*_plugin/,
    "the tree's compiler plugins are written for an older gcc",
  ],
  [
    /FAILED: load BTF from vmlinux|FAILED load BTF/,
    "the tree cannot read what this pahole writes: CONFIG_DEBUG_INFO_BTF",
  ],
  [
    /cannot use keyword 'false' as enumeration constant|'bool' cannot be defined via 'typedef'/,
    "the compiler's default is C23, which the tree does not support",
  ],
];

/** The cause that a line of a failed build matches. */
export function knownCause(line: string): string | undefined {
  return KNOWN.find(([sign]) => sign.test(line))?.[1];
}

/** The likely cause of a failed build with this compiler, and what to do; undefined if none is known. */
export function compilerHint(
  cause: string | undefined,
  kernelVersion: string | undefined,
  compiler: string,
): string | undefined {
  if (kernelVersion === undefined) return cause && `Most likely, ${cause}.`;
  const usual = toolchainFor(kernelVersion, "auto").compiler;
  const isNewer = isCompilerNewer(kernelVersion, compiler);
  if (cause === undefined && !isNewer) return undefined;
  const why = cause ?? `${compiler} is newer than Linux ${kernelVersion}`;
  const cure =
    usual === compiler
      ? ""
      : ` kernel.toolchain: auto builds Linux ${kernelVersion} with ${usual}.`;
  return `Most likely, ${why}.${cure}`;
}
