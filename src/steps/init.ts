import type { Host } from "../host/host.js";
import { targetFile } from "./target-file.js";

export async function writeConfig(
  host: Host,
  path: string,
  text: string,
  force: boolean,
): Promise<void> {
  await host.files.writeAtomic(await targetFile(host.files, path, { force }), text);
}
