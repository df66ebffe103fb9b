import { KdockError } from "../errors.js";
import type { HostFiles } from "../../host/host.js";
import { hostPath } from "../plan/host-path.js";
import { readLooseText } from "./read-loose-text.js";

/** A project's folder, and the host that it is on. */
export interface ProjectFiles {
  readonly folder: string;
  readonly host: { readonly files: Pick<HostFiles, "exists" | "isFolder" | "list" | "readBytes"> };
}

/** The text of a file that kdock.yaml names, see `looseText`; a missing one is a `config` error that names the key. */
export async function readNamedFile(ctx: ProjectFiles, key: string, path: string): Promise<string> {
  const content = await readLooseText(ctx.host.files, hostPath(ctx.folder, path));
  if (content === undefined) throw missingFile(key, path);
  return content;
}

export function missingFile(key: string, path: string): KdockError {
  return new KdockError("config", `${key}: there is no file ${path}`, {
    hint: "Paths in kdock.yaml are relative to the folder that holds it.",
  });
}
