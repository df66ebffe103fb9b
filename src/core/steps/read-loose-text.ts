import type { HostFiles } from "../../host/host.js";
import { looseText } from "../plan/loose-text.js";

/** The text of a file that other programs write, see `looseText`; undefined if there is no such file. */
export async function readLooseText(
  files: Pick<HostFiles, "exists" | "readBytes">,
  path: string,
): Promise<string | undefined> {
  return (await files.exists(path)) ? looseText(await files.readBytes(path)) : undefined;
}
