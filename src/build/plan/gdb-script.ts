import { MODULES_VARIABLE } from "./debugger-plan.js";
import { INSIDE } from "../../core/plan/names.js";

/** Inputs of the script for a gdb on the host. Paths are absolute. */
export interface GdbFacts {
  readonly vmlinux: string;
  /** gdb's name. */
  readonly architecture: string;
  /** The kernel's gdb commands (lx-ps and so on); undefined for kernels built without them. */
  readonly kernelCommands: string | undefined;
  /** Whether the kernel has modules. */
  readonly modules: boolean;
  /** Out-of-tree modules built for it: their names, folders of .ko files, and sources. */
  readonly ownModules: readonly {
    readonly name: string;
    readonly folder: string;
    readonly source: string;
  }[];
  /** A copy of images/gdb/kdock: kdock's commands, and the stop at panics. */
  readonly gdbModules: string;
  /** The exported source tree; undefined before `kdock source export`. */
  readonly source: ExportedTree | undefined;
  /** "127.0.0.1:1234"; undefined while the port of the VM is not known. */
  readonly address: string | undefined;
  /** The user's scripts, sourced last. */
  readonly scripts: readonly string[];
}

export interface ExportedTree {
  readonly source: string;
  /** The generated sources and headers: /build in debug information. */
  readonly objects: string;
}

const HEADER = [
  "# Written by kdock at every build and start of a VM; changes to it are lost.",
  "# Your own gdb scripts go into kdock.yaml: gdb.scripts.",
];

/**
 * kdock.gdb: symbols, sources, the connection to the VM and the kernel's gdb commands, for `gdb -x` from any folder. gdb ends a
 * script at the first error, so commands that may fail run in Python.
 */
export function gdbScript(facts: GdbFacts): string {
  return lines(
    ...HEADER,
    ...settings(facts),
    ...kernelCommands(facts),
    `file ${quoted(facts.vmlinux)}`,
    ...panicStop(facts),
    ...ownCommands(facts),
    ...connection(facts),
    ...facts.scripts.map((path) => `source ${path}`),
  );
}

/**
 * editor.gdb: settings for an editor's debug adapter. Program and address are in the editor's configuration. Replaces `kill`,
 * with which the adapter would end the VM.
 */
export function editorScript(facts: GdbFacts): string {
  return lines(
    ...HEADER,
    ...settings(facts),
    ...kernelCommands(facts),
    ...panicStop(facts),
    "# A debug session ends with `kill`, which would end QEMU.",
    "python",
    "class KdockKill(gdb.Command):",
    '    """Detach from the VM, which keeps running; `kdock stop` ends it."""',
    "    def __init__(self):",
    '        super().__init__("kill", gdb.COMMAND_RUNNING)',
    "    def invoke(self, argument, from_tty):",
    '        gdb.execute("detach")',
    "KdockKill()",
    "end",
  );
}

function settings({ source, ownModules, architecture }: GdbFacts): string[] {
  return [
    "set pagination off",
    "# An index of the symbols is kept in ~/.cache/gdb: the second start takes a fraction of the first.",
    "python",
    "try:",
    `    gdb.execute("set architecture ${architecture}", to_string=True)`,
    "except gdb.error:",
    `    print("kdock: this gdb does not support ${architecture}: use \`gdb-multiarch -x\` or \`kdock gdb\`")`,
    'for setting in "index-cache enabled on", "index-cache on":',
    "    try:",
    '        gdb.execute("set " + setting)',
    "        break",
    "    except gdb.error:",
    "        pass  # gdb before 12 has the second name only, gdb before 8.3 neither",
    "end",
    ...(source === undefined
      ? ["# `kdock source export FOLDER` exports the source files that the symbols refer to."]
      : [
          `set substitute-path ${INSIDE.source} ${quoted(source.source)}`,
          `set substitute-path ${INSIDE.objects} ${quoted(source.objects)}`,
        ]),
    ...ownModules.map(
      (module) => `set substitute-path ${INSIDE.modules}/${module.name} ${quoted(module.source)}`,
    ),
  ];
}

/** gdb loads vmlinux-gdb.py along with the vmlinux in its folder, if that folder is in the safe path. */
function kernelCommands({ kernelCommands: path }: GdbFacts): string[] {
  return path === undefined ? [] : [`add-auto-load-safe-path ${path}`];
}

/** Before the connection: it acts when gdb connects. */
function panicStop({ gdbModules }: GdbFacts): string[] {
  return [
    "# gdb stops at a panic. `set stop-on-panic off` disables that, `set stop-on-oops on` stops at an oops, too.",
    `source ${gdbModules}/panic.py`,
  ];
}

/** Need a newer gdb than the rest; they examine the kernel when gdb connects. */
function ownCommands({ gdbModules, ownModules }: GdbFacts): string[] {
  const folders = ownModules.map(({ folder }) => folder).join(":");
  return [
    "# Modules of `kdock module build`.",
    `python import os; os.environ["${MODULES_VARIABLE}"] = ${JSON.stringify(folders)}`,
    "# kdock-break finds functions by their names in any kernel version, kdock-symbols loads symbols of modules, kdock-check",
    "# compares this kernel with the running one.",
    "python",
    "try:",
    // A JSON string is a valid Python string.
    `    gdb.execute("source " + ${JSON.stringify(`${gdbModules}/commands.py`)})`,
    "except (gdb.error, ImportError, AttributeError) as error:",
    '    print("kdock: this gdb is too old for kdock-break, kdock-symbols and kdock-check (%s)" % error)',
    "end",
  ];
}

function connection({ address, modules, ownModules }: GdbFacts): string[] {
  if (address === undefined) {
    return [
      "echo kdock: the gdb port is not known yet: `kdock run -d` starts a VM and writes this file again\\n",
    ];
  }
  return [
    "python",
    "try:",
    '    gdb.execute("set tcp auto-retry off")',
    `    gdb.execute("target remote ${address}")`,
    ...(modules || ownModules.length > 0 ? ['    gdb.execute("kdock-symbols")'] : []),
    "except gdb.error as error:",
    '    if "is NOT the kernel that runs" in str(error):',
    "        # Breakpoints would overwrite other instructions.",
    '        gdb.execute("detach", to_string=True)',
    '        print("kdock: %s; `kdock stop` and `kdock run -d` start the one that was built" % error)',
    "    elif gdb.selected_inferior().pid:",
    '        print("kdock: %s" % error)',
    "    else:",
    `        print("kdock: no VM answers at ${address} (%s); \`kdock run -d\` starts one" % error)`,
    "end",
  ];
}

/** Quotes an argument for gdb commands that split their arguments. `source` and others take the rest of the line. */
function quoted(path: string): string {
  return `"${path.replace(/["\\]/g, "\\$&")}"`;
}

function lines(...text: readonly string[]): string {
  return `${text.join("\n")}\n`;
}
