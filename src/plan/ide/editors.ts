/** Editors that `kdock ide` writes files for. */
export const EDITORS = ["vscode", "nvim", "devcontainer"] as const;
export type Editor = (typeof EDITORS)[number];
