import { expect, it } from "vitest";
import { devcontainerFiles, MARK, nvimFiles } from "../../../../src/editor/plan/whole-files.js";

/**
 * From "Dev Container metadata reference" (containers.dev/implementors/json_reference) and, for the feature, the README
 * of docker-outside-of-docker in devcontainers/features.
 */
const DOCUMENTED = [
  ...["name", "image", "features", "workspaceMount", "workspaceFolder", "mounts", "runArgs"],
  ...["postCreateCommand", "customizations"],
];

it("every whole file has kdock's mark in its first line", () => {
  const files = [
    ...nvimFiles({ folder: "/home/ada/lab", flags: [], vm: undefined }),
    ...devcontainerFiles("/k"),
  ];
  for (const { text } of files) expect(text.split("\n")[0]).toContain(MARK);
});

it("devcontainer.json has documented fields only", () => {
  const [file] = devcontainerFiles("/opt/node/lib/kdock");
  const json = (file?.text ?? "").replace(/^\/\/.*\n/, "");
  const content = JSON.parse(json) as Record<string, unknown>;
  expect(DOCUMENTED).toEqual(expect.arrayContaining(Object.keys(content)));
  expect(content["mounts"]).toEqual([
    "source=${localEnv:KDOCK_HOME:/opt/node/lib/kdock},target=/opt/kdock,type=bind,readonly",
  ]);
});

it("nvim's adapter is `kdock dap`, with the configuration file given with -c", () => {
  // Fields from nvim-dap's help (dap.txt): dap-adapter and dap-configuration; target from "Debugger Adapter Protocol" in
  // the manual of gdb.
  const [file] = nvimFiles({
    folder: '/home/ada/my "lab"',
    flags: ["-c", "old.yaml"],
    vm: undefined,
  });
  expect(file?.text).toContain('args = { "-c", "old.yaml", "dap" },');
  expect(file?.text).toContain('options = { cwd = "/home/ada/my \\"lab\\"" },');
  expect(file?.text).toContain('target = "127.0.0.1:1234",');
});

it("nvim's adapter debugs the VM given with --vm", () => {
  const [file] = nvimFiles({ folder: "/home/ada/lab", flags: [], vm: "a" });
  expect(file?.text).toContain('args = { "dap", "--vm", "a" },');
});
