import { MODULES_VARIABLE } from "./debugger-plan.js";
import { INSIDE } from "../../core/plan/names.js";

/** What a gdb on this machine is told. Paths are absolute. */
export interface GdbFacts {
  readonly vmlinux: string;
  /** As gdb names it. */
  readonly architecture: string;
  /** The kernel's own commands (lx-ps and so on); undefined for kernels built without them. */
  readonly kernelCommands: string | undefined;
  /** Whether the kernel has modules. */
  readonly modules: boolean;
  /** Those from elsewhere that were built for it: their names, where their .ko files are, and their sources. */
  readonly ownModules: readonly {
    readonly name: string;
    readonly folder: string;
    readonly source: string;
  }[];
  /** A folder with what images/gdb/kdock has: kdock's own commands, and what stops at panics. */
  readonly gdbModules: string;
  /** The exported source tree; undefined before `kdock source export`. */
  readonly source: ExportedTree | undefined;
  /** "127.0.0.1:1234"; undefined when no VM has told its port yet. */
  readonly address: string | undefined;
  /** The user's own, sourced last. */
  readonly scripts: readonly string[];
}

export interface ExportedTree {
  readonly source: string;
  /** The generated sources and headers: what is /build to the compiler. */
  readonly objects: string;
}

const HEADER = [
  "# Written by kdock, anew at every build and start of a VM; changes to it are lost.",
  "# Your own gdb scripts go into kdock.yaml: gdb.scripts.",
];

/**
 * kdock.gdb: symbols, sources, the connection to the VM and the kernel's own commands, for `gdb -x` from any folder. gdb
 * ends a script at the first error, so what may fail for an honest reason is asked for through Python.
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
 * editor.gdb: what an editor's debug adapter does not do by itself. It names the program and the address in its own
 * configuration, and would end the VM together with its session.
 */
export function editorScript(facts: GdbFacts): string {
  return lines(
    ...HEADER,
    ...settings(facts),
    ...kernelCommands(facts),
    ...panicStop(facts),
    "# A debug session ends with `kill`, at which QEMU would end, too.",
    "python",
    "class KdockKill(gdb.Command):",
    '    """Let go of the VM, which goes on; `kdock stop` ends it."""',
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
    `    print("kdock: this gdb knows no ${architecture}: \`gdb-multiarch -x\` does, and so does \`kdock gdb\`")`,
    'for setting in "index-cache enabled on", "index-cache on":',
    "    try:",
    '        gdb.execute("set " + setting)',
    "        break",
    "    except gdb.error:",
    "        pass  # gdb before 12 knows the second name only, gdb before 8.3 neither",
    "end",
    ...(source === undefined
      ? ["# `kdock source export FOLDER` brings the source files that the symbols name."]
      : [
          `set substitute-path ${INSIDE.source} ${quoted(source.source)}`,
          `set substitute-path ${INSIDE.objects} ${quoted(source.objects)}`,
        ]),
    ...ownModules.map(
      (module) => `set substitute-path ${INSIDE.modules}/${module.name} ${quoted(module.source)}`,
    ),
  ];
}

/** gdb loads vmlinux-gdb.py together with the vmlinux beside it, where it is allowed to. */
function kernelCommands({ kernelCommands: path }: GdbFacts): string[] {
  return path === undefined ? [] : [`add-auto-load-safe-path ${path}`];
}

/** Before the connection is made, because connecting is what it waits for. */
function panicStop({ gdbModules }: GdbFacts): string[] {
  return [
    "# A panic stops in gdb. `set stop-on-panic off` lets it go, `set stop-on-oops on` adds what the kernel survives.",
    `source ${gdbModules}/panic.py`,
  ];
}

/** They need a newer gdb than the rest does, and look at the kernel as soon as there is a connection. */
function ownCommands({ gdbModules, ownModules }: GdbFacts): string[] {
  const folders = ownModules.map(({ folder }) => folder).join(":");
  return [
    "# Modules of `kdock module build`.",
    `python import os; os.environ["${MODULES_VARIABLE}"] = ${JSON.stringify(folders)}`,
    "# kdock-break knows functions by the names of any version, kdock-symbols reads those of modules, kdock-check looks",
    "# whether this is the kernel that runs.",
    "python",
    "try:",
    // JSON's strings are Python's.
    `    gdb.execute("source " + ${JSON.stringify(`${gdbModules}/commands.py`)})`,
    "except (gdb.error, ImportError, AttributeError) as error:",
    '    print("kdock: this gdb is too old for kdock-break, kdock-symbols and kdock-check (%s)" % error)',
    "end",
  ];
}

function connection({ address, modules, ownModules }: GdbFacts): string[] {
  if (address === undefined) {
    return [
      "echo kdock: no VM has told its gdb port yet: `kdock run -d` starts one and writes this file anew\\n",
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
    "        # Breakpoints would be written into the middle of something else.",
    '        gdb.execute("detach", to_string=True)',
    '        print("kdock: %s; `kdock stop` and `kdock run -d` start the one that was built" % error)',
    "    elif gdb.selected_inferior().pid:",
    '        print("kdock: %s" % error)',
    "    else:",
    `        print("kdock: no VM answers at ${address} (%s); \`kdock run -d\` starts one" % error)`,
    "end",
  ];
}

/** A word for those of gdb's commands that split their arguments. `source` and others take the line as it is. */
function quoted(path: string): string {
  return `"${path.replace(/["\\]/g, "\\$&")}"`;
}

function lines(...text: readonly string[]): string {
  return `${text.join("\n")}\n`;
}
