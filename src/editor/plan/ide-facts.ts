import type { ArchitectureRow } from "../../core/plan/architectures.js";
import type { ExportedTree } from "../../build/plan/gdb-script.js";

/** Inputs of the generated editor files. */
export interface IdeFacts {
  /** Absolute path of the folder that holds kdock.yaml; the editor's workspace. */
  readonly folder: string;
  /** Global flags of kdock: -c with a configuration file other than kdock.yaml. */
  readonly flags: readonly string[];
  /** The VM to debug; undefined: the only one. */
  readonly vm: string | undefined;
  /** The VM's gdbserver: "127.0.0.1:1234". */
  readonly address: string;
  /** The gdbserver after every `kdock run`; undefined when it uses any free port. */
  readonly fixedAddress: string | undefined;
  /** The exported source tree; undefined before `kdock source export`. */
  readonly source: ExportedTree | undefined;
  /** Whether that tree has a compile_commands.json. */
  readonly hasCompileCommands: boolean;
  /** The host's gdb that supports the kernel's architecture. */
  readonly debugger: string;
  /** "gcc", or "clang". */
  readonly compiler: string;
  readonly intelliSense: ArchitectureRow["intelliSense"];
  /** The architecture's folder below arch/ in the source. */
  readonly sourceArch: string;
  /** Absolute paths of the user's gdb scripts. */
  readonly scripts: readonly string[];
}

/** Prefix of the names of kdock's entries in files that the user edits, too. */
export const ENTRY_PREFIX = "kdock: ";

/** The flag that selects the VM, for kdock's command line. */
export function vmArguments(vm: string | undefined): readonly string[] {
  return vm === undefined ? [] : ["--vm", vm];
}
