import { FOLDER, INSIDE } from "../../core/plan/names.js";
import { COMPILE_COMMANDS } from "./source-export.js";
import { ENTRY_PREFIX, type IdeFacts, vmArguments } from "./ide-facts.js";
import type { EntryFile } from "./merge-entries.js";

const WORKSPACE = "${workspaceFolder}";
const CURRENT = `${WORKSPACE}/${FOLDER.current}`;
const VMLINUX = `${CURRENT}/kernel/vmlinux`;

const RUN_TASK = `${ENTRY_PREFIX}run`;

/** The files of .vscode, with kdock's entries. */
export function vscodeFiles(facts: IdeFacts): readonly EntryFile[] {
  return [
    {
      path: ".vscode/launch.json",
      list: "configurations",
      id: "name",
      entries: launchConfigurations(facts),
      rest: { version: "0.2.0" },
    },
    {
      path: ".vscode/tasks.json",
      list: "tasks",
      id: "label",
      entries: tasks(facts),
      rest: { version: "2.0.0" },
    },
    ...(facts.source === undefined ? [] : [cppProperties(facts)]),
  ];
}

function launchConfigurations(facts: IdeFacts): readonly Record<string, unknown>[] {
  const { address, fixedAddress } = facts;
  return [
    { name: `${ENTRY_PREFIX}attach (C/C++)`, ...cppConfiguration(facts, address) },
    ...(fixedAddress === undefined
      ? []
      : [
          {
            name: `${ENTRY_PREFIX}run and attach (C/C++)`,
            ...cppConfiguration(facts, fixedAddress),
            preLaunchTask: RUN_TASK,
          },
        ]),
    {
      name: `${ENTRY_PREFIX}attach (CodeLLDB)`,
      type: "lldb",
      request: "attach",
      targetCreateCommands: [`target create "${VMLINUX}"`],
      processCreateCommands: [`gdb-remote ${address}`],
      stopOnEntry: true,
      sourceMap: sourceMap(facts),
    },
  ];
}

/** The C/C++ extension connects to a gdbserver with a "launch" configuration. */
function cppConfiguration(facts: IdeFacts, address: string): Record<string, unknown> {
  return {
    type: "cppdbg",
    request: "launch",
    program: VMLINUX,
    args: [],
    environment: [],
    cwd: WORKSPACE,
    externalConsole: false,
    MIMode: "gdb",
    miDebuggerPath: facts.debugger,
    miDebuggerServerAddress: address,
    stopAtConnect: true,
    setupCommands: [source("gdb settings from kdock", `${CURRENT}/${FOLDER.editorScript}`)],
    ...(facts.scripts.length === 0
      ? {}
      : {
          postRemoteConnectCommands: facts.scripts.map((path) =>
            source("gdb.scripts of kdock.yaml", inWorkspace(facts, path)),
          ),
        }),
    sourceFileMap: sourceMap(facts),
  };
}

function source(description: string, path: string) {
  return { description, text: `source ${path}`, ignoreFailures: false };
}

function sourceMap(facts: IdeFacts): Record<string, string> {
  if (facts.source === undefined) return {};
  return {
    [INSIDE.source]: inWorkspace(facts, facts.source.source),
    [INSIDE.objects]: inWorkspace(facts, facts.source.objects),
  };
}

function tasks({ flags, vm }: IdeFacts): readonly Record<string, unknown>[] {
  const task = (label: string, args: readonly string[], more = {}) => ({
    label,
    type: "shell",
    command: "kdock",
    args: [...flags, ...args],
    options: { cwd: WORKSPACE },
    problemMatcher: [],
    ...more,
  });
  return [
    task(`${ENTRY_PREFIX}build`, ["build"], { group: "build" }),
    task(RUN_TASK, ["run", "-d", ...(vm === undefined ? [] : ["--name", vm])]),
    task(`${ENTRY_PREFIX}stop`, ["stop", ...vmArguments(vm)]),
  ];
}

function cppProperties(facts: IdeFacts): EntryFile {
  const { source: tree, hasCompileCommands } = facts;
  const path = inWorkspace(facts, tree?.source ?? "");
  const objects = inWorkspace(facts, tree?.objects ?? "");
  return {
    path: ".vscode/c_cpp_properties.json",
    list: "configurations",
    id: "name",
    entries: [
      {
        name: `${ENTRY_PREFIX}kernel`,
        // The kernel uses no library's headers, and its compiler is in the builder image only.
        compilerPath: "",
        intelliSenseMode: `linux-${facts.compiler}-${facts.intelliSense.cpu}`,
        cStandard: "gnu11",
        ...(hasCompileCommands ? { compileCommands: `${path}/${COMPILE_COMMANDS}` } : {}),
        includePath: includePath(path, objects, facts.sourceArch),
        defines: ["__KERNEL__", ...facts.intelliSense.defines],
        forcedInclude: [
          `${path}/include/linux/kconfig.h`,
          `${path}/include/linux/compiler_types.h`,
        ],
        browse: { path: [path], limitSymbolsToIncludedHeaders: true },
      },
    ],
    rest: { version: 4 },
  };
}

/** In the order of LINUXINCLUDE in the kernel's Makefile. */
function includePath(path: string, objects: string, arch: string): readonly string[] {
  return [
    `${path}/arch/${arch}/include`,
    `${objects}/arch/${arch}/include/generated`,
    `${path}/include`,
    `${objects}/include`,
    `${path}/arch/${arch}/include/uapi`,
    `${objects}/arch/${arch}/include/generated/uapi`,
    `${path}/include/uapi`,
    `${objects}/include/generated/uapi`,
  ];
}

/** Paths in the project are relative, so that the file can be checked in. */
function inWorkspace({ folder }: IdeFacts, path: string): string {
  return path.startsWith(`${folder}/`) ? `${WORKSPACE}${path.slice(folder.length)}` : path;
}
