import { describe, expect, it } from "vitest";
import { ARCHITECTURES } from "../../../../src/core/plan/architectures.js";
import type { IdeFacts } from "../../../../src/editor/plan/ide-facts.js";
import { mergeEntries } from "../../../../src/editor/plan/merge-entries.js";
import { vscodeFiles } from "../../../../src/editor/plan/vscode.js";

const FACTS: IdeFacts = {
  folder: "/home/ada/lab",
  flags: [],
  vm: undefined,
  address: "127.0.0.1:1234",
  fixedAddress: "127.0.0.1:1234",
  source: { source: "/home/ada/lab/linux", objects: "/home/ada/lab/linux/.kdock-build" },
  hasCompileCommands: true,
  debugger: "gdb",
  compiler: "gcc",
  intelliSense: ARCHITECTURES.x86_64.intelliSense,
  sourceArch: "x86",
  scripts: ["/home/ada/lab/tcp.gdb"],
};

/** Every field that is written, by the page that documents it. */
const DOCUMENTED = {
  // "Configure C/C++ debugging" (code.visualstudio.com/docs/cpp/launch-json-reference); preLaunchTask and name:
  // "Visual Studio Code debug configuration".
  cppdbg: [
    ...["name", "type", "request", "preLaunchTask", "program", "args", "environment", "cwd"],
    ...["externalConsole", "MIMode", "miDebuggerPath", "miDebuggerServerAddress", "stopAtConnect"],
    ...["setupCommands", "postRemoteConnectCommands", "sourceFileMap"],
  ],
  // "CodeLLDB User's Manual", Starting a New Debug Session and Attaching to a Running Process.
  lldb: [
    ...["name", "type", "request", "targetCreateCommands", "processCreateCommands"],
    ...["stopOnEntry", "sourceMap"],
  ],
  // "Visual Studio Code Tasks Appendix", Schema for tasks.json.
  shell: ["label", "type", "command", "args", "options", "problemMatcher", "group"],
  // "c_cpp_properties.json reference".
  kernel: [
    ...["name", "compilerPath", "intelliSenseMode", "cStandard", "compileCommands"],
    ...["includePath", "defines", "forcedInclude", "browse"],
  ],
};

function file(path: string, change: Partial<IdeFacts> = {}) {
  const found = vscodeFiles({ ...FACTS, ...change }).find((each) => each.path === path);
  if (found === undefined) throw new Error(`no ${path}`);
  return found;
}

const launch = (change: Partial<IdeFacts> = {}) => file(".vscode/launch.json", change);

describe("vscodeFiles", () => {
  it("have documented fields only", () => {
    for (const { entries } of vscodeFiles(FACTS)) {
      for (const entry of entries) {
        const kind = (entry["type"] ?? "kernel") as keyof typeof DOCUMENTED;
        expect(DOCUMENTED[kind]).toEqual(expect.arrayContaining(Object.keys(entry)));
      }
    }
  });

  it("prefix every entry's name with kdock:", () => {
    for (const { entries, id } of vscodeFiles(FACTS)) {
      for (const entry of entries) expect(entry[id]).toMatch(/^kdock: /);
    }
  });

  it("connect both debuggers to the VM's address", () => {
    const [attach, , lldb] = launch({ address: "127.0.0.1:5000" }).entries;
    expect(attach?.["miDebuggerServerAddress"]).toBe("127.0.0.1:5000");
    expect(lldb?.["processCreateCommands"]).toEqual(["gdb-remote 127.0.0.1:5000"]);
  });

  it("name the gdb for the architecture in each configuration of the C/C++ extension", () => {
    const names = launch({ debugger: "gdb-multiarch" }).entries.map((e) => e["miDebuggerPath"]);
    expect(names).toEqual(["gdb-multiarch", "gdb-multiarch", undefined]);
  });

  it.each([
    ["x86_64", "gcc", "linux-gcc-x64", ["__KERNEL__"]],
    ["x86_64", "clang", "linux-clang-x64", ["__KERNEL__"]],
    ["arm64", "gcc", "linux-gcc-arm64", ["__KERNEL__"]],
    // The extension has no riscv64 mode.
    ["riscv64", "gcc", "linux-gcc-arm64", ["__KERNEL__", "__riscv", "__riscv_xlen=64"]],
  ] as const)("set the IntelliSense mode for %s, %s", (arch, compiler, mode, defines) => {
    const { intelliSense } = ARCHITECTURES[arch];
    const path = ".vscode/c_cpp_properties.json";
    const [entry] = file(path, { compiler, intelliSense }).entries;
    expect(entry).toMatchObject({ intelliSenseMode: mode, defines });
  });

  it("start a VM only if its gdb address is fixed", () => {
    const tasks = file(".vscode/tasks.json").entries.map(({ label }) => label);
    const [, runs] = launch({ address: "127.0.0.1:5000" }).entries;
    expect(runs?.["miDebuggerServerAddress"]).toBe("127.0.0.1:1234");
    expect(tasks).toContain(runs?.["preLaunchTask"]);
    const anyPort = launch({ fixedAddress: undefined }).entries;
    expect(anyPort.filter((entry) => "preLaunchTask" in entry)).toEqual([]);
  });

  it("use relative paths in the project and absolute paths elsewhere", () => {
    const map = (change: Partial<IdeFacts>) => launch(change).entries[0]?.["sourceFileMap"];
    expect(map({})).toEqual({
      "/src": "${workspaceFolder}/linux",
      "/build": "${workspaceFolder}/linux/.kdock-build",
    });
    expect(map({ source: { source: "/opt/linux", objects: "/opt/linux/b" } })).toMatchObject({
      "/src": "/opt/linux",
    });
    expect(map({ source: undefined })).toEqual({});
  });

  it("omit the IntelliSense file without exported sources", () => {
    const paths = vscodeFiles({ ...FACTS, source: undefined }).map(({ path }) => path);
    expect(paths).toEqual([".vscode/launch.json", ".vscode/tasks.json"]);
  });

  it("pass the configuration file given with -c", () => {
    const [build] = file(".vscode/tasks.json", { flags: ["-c", "old.yaml"] }).entries;
    expect(build?.["args"]).toEqual(["-c", "old.yaml", "build"]);
  });

  it("start and stop the VM given with --vm", () => {
    const args = (vm: string | undefined) =>
      file(".vscode/tasks.json", { vm }).entries.map((task) => task["args"]);
    expect(args("a")).toEqual([["build"], ["run", "-d", "--name", "a"], ["stop", "--vm", "a"]]);
    expect(args(undefined)).toEqual([["build"], ["run", "-d"], ["stop"]]);
  });
});

describe("mergeEntries", () => {
  const EXISTING = `{ // mine
\t"version": "0.2.0",
\t"configurations": [
\t\t/* keep */ { "name": "mine", "type": "node" }, // after
\t],
}
`;

  it("keeps other entries and comments", () => {
    const merged = mergeEntries(launch(), EXISTING);
    expect(merged).toContain(
      '\t\t/* keep */ { "name": "mine", "type": "node" }, // after\n\t],\n}',
    );
    expect(merged.startsWith('{ // mine\n\t"version": "0.2.0",\n')).toBe(true);
    expect(merged.match(/"name": "kdock: /g)).toHaveLength(3);
  });

  it.each([EXISTING, "{}", '{ "configurations": [] }', "", undefined])(
    "is idempotent (%j)",
    (text) => {
      const once = mergeEntries(launch(), text);
      expect(mergeEntries(launch(), once)).toBe(once);
    },
  );

  it("replaces kdock's entries and removes stale ones", () => {
    const before = mergeEntries(launch(), EXISTING);
    const after = mergeEntries(
      launch({ address: "127.0.0.1:5000", fixedAddress: undefined }),
      before,
    );
    expect(after.match(/"name": "kdock: /g)).toHaveLength(2);
    expect(after).not.toContain("127.0.0.1:1234");
    expect(after).toContain("// after");
  });

  it.each([
    ["{ broken", /cannot merge kdock's entries into .*launch\.json \(line 1/],
    ["[]", /not a JSON object/],
    ['{ "configurations": {} }', /"configurations" is not a list/],
  ])("rejects %s", (text, message) => {
    expect(() => mergeEntries(launch(), text)).toThrow(message);
  });
});
