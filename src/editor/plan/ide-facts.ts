import type { ArchitectureRow } from "../../core/plan/architectures.js";
import type { ExportedTree } from "../../build/plan/gdb-script.js";

/** What an editor's files are made from. */
export interface IdeFacts {
  /** Absolute path of the folder that holds kdock.yaml; the editor's workspace. */
  readonly folder: string;
  /** Words between `kdock` and a command: another configuration file than kdock.yaml. */
  readonly flags: readonly string[];
  /** The VM that is meant; undefined: the only one. */
  readonly vm: string | undefined;
  /** Where its gdbserver is: "127.0.0.1:1234". */
  readonly address: string;
  /** Where it is whenever `kdock run` has started the VM; undefined when that takes any free port. */
  readonly fixedAddress: string | undefined;
  /** The exported source tree; undefined before `kdock source export`. */
  readonly source: ExportedTree | undefined;
  /** Whether that tree has a compile_commands.json. */
  readonly hasCompileCommands: boolean;
  /** The gdb of this machine that knows the kernel's architecture. */
  readonly debugger: string;
  /** "gcc", or "clang". */
  readonly compiler: string;
  readonly intelliSense: ArchitectureRow["intelliSense"];
  /** The architecture's folder below arch/ in the source. */
  readonly sourceArch: string;
  /** Absolute paths of the user's own gdb scripts. */
  readonly scripts: readonly string[];
}

/** Begins the name of every entry that kdock writes into a file that it shares with a person. */
export const OURS = "kdock: ";

/** The words of a command line that name the VM. */
export function vmArguments(vm: string | undefined): readonly string[] {
  return vm === undefined ? [] : ["--vm", vm];
}
