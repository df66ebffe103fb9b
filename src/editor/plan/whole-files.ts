import { INSIDE } from "../../core/plan/names.js";
import { type IdeFacts, OURS, vmArguments } from "./ide-facts.js";

/** A file that is kdock's from beginning to end, which its first line says. */
export interface WholeFile {
  /** Relative to the project. */
  readonly path: string;
  readonly text: string;
  /** Left alone, without a word, when somebody else's is there. */
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
  const text = `-- ${MARK} nvim; changes are lost with the next one.
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

-- gdb runs beside the VM: the target is the VM's gdbserver as seen from there.
local attach = {
  name = ${lua(`${OURS}attach`)},
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
 * A container to develop in that uses the engine of this machine. It has the project at the same path as this machine,
 * because kdock tells projects apart by their paths, and this machine's network, because that is where ports are published.
 * Its own gdb knows the machine's architecture, which need not be a guest's.
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

/** JSON's strings are Lua's, but for what nobody has in a path. */
function lua(text: string): string {
  return JSON.stringify(text);
}
