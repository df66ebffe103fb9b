import { INSIDE } from "../../core/plan/names.js";
import { ENTRY_PREFIX, type IdeFacts, vmArguments } from "./ide-facts.js";

/** A file that kdock writes completely; its first line contains MARK. */
export interface WholeFile {
  /** Relative to the project. */
  readonly path: string;
  readonly text: string;
  /** Skipped if the file exists without MARK. */
  readonly optional: boolean;
}

/** In the first line of a file that kdock may overwrite. */
export const MARK = "written by kdock ide";

export const NVIM_FILE = ".nvim/kdock.lua";

/** nvim-dap's adapter and configuration, and the file through which Neovim finds them (with `:set exrc`). */
export function nvimFiles({
  folder,
  flags,
  vm,
}: Pick<IdeFacts, "folder" | "flags" | "vm">): readonly WholeFile[] {
  const words = [...flags, "dap", ...vmArguments(vm)].map(lua).join(", ");
  const text = `-- ${MARK} nvim; the next run overwrites changes.
local ok, dap = pcall(require, "dap")
if not ok then
  vim.notify("kdock: nvim-dap is not installed", vim.log.levels.WARN)
  return
end

dap.adapters.kdock = {
  type = "executable",
  command = "kdock",
  args = { ${words} },
  options = { cwd = ${lua(folder)} },
}

-- The VM's gdbserver as seen by gdb, which runs in a container that shares the VM's network.
local attach = {
  name = ${lua(`${ENTRY_PREFIX}attach`)},
  type = "kdock",
  request = "attach",
  target = ${lua(`127.0.0.1:${INSIDE.gdbPort}`)},
}
for _, filetype in ipairs({ "c", "asm" }) do
  local others = vim.tbl_filter(function(each)
    return each.name ~= attach.name
  end, dap.configurations[filetype] or {})
  dap.configurations[filetype] = vim.list_extend({ attach }, others)
end
`;
  const loader = `-- ${MARK} nvim: read by Neovim in this folder after \`:set exrc\`.\ndofile("${NVIM_FILE}")\n`;
  return [
    { path: NVIM_FILE, text, optional: false },
    { path: ".nvim.lua", text: loader, optional: true },
  ];
}

/**
 * A development container that uses the host's engine. The project has the same path as on the host, since kdock
 * identifies projects by path, and the container shares the host's network, where ports are published. gdb-multiarch is
 * for guests of another architecture.
 */
export function devcontainerFiles(kdockRoot: string): readonly WholeFile[] {
  const content = {
    name: "kdock",
    image: "mcr.microsoft.com/devcontainers/javascript-node:22-bookworm",
    features: { "ghcr.io/devcontainers/features/docker-outside-of-docker:1": {} },
    workspaceMount: "source=${localWorkspaceFolder},target=${localWorkspaceFolder},type=bind",
    workspaceFolder: "${localWorkspaceFolder}",
    mounts: [`source=\${localEnv:KDOCK_HOME:${kdockRoot}},target=/opt/kdock,type=bind,readonly`],
    runArgs: ["--network=host"],
    postCreateCommand:
      "sudo ln -sf /opt/kdock/dist/cli.js /usr/local/bin/kdock && sudo apt-get update && sudo apt-get install --yes gdb gdb-multiarch",
    customizations: { vscode: { extensions: ["ms-vscode.cpptools", "vadimcn.vscode-lldb"] } },
  };
  const head = `// ${MARK} devcontainer. KDOCK_HOME is the folder of an installed (and built) kdock.`;
  const text = `${head}\n${JSON.stringify(content, undefined, 2)}\n`;
  return [{ path: ".devcontainer/devcontainer.json", text, optional: false }];
}

/** A Lua string: the same as JSON's for characters that occur in paths. */
function lua(text: string): string {
  return JSON.stringify(text);
}
