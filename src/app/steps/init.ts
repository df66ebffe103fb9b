import type { HostFiles } from "../../host/host.js";
import { targetFile } from "../../core/steps/target-file.js";

export async function writeConfig(
  files: HostFiles,
  path: string,
  text: string,
  force: boolean,
): Promise<void> {
  await files.writeAtomic(await targetFile(files, path, { force }), text);
}
