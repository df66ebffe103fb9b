import { KdockError } from "../errors.js";
import type { Host } from "../host/host.js";

export async function writeConfig(
  host: Host,
  path: string,
  text: string,
  force: boolean,
): Promise<void> {
  if (!force && (await host.files.exists(path))) {
    throw new KdockError("usage", `${path} is there already`, {
      hint: "`kdock init --force` overwrites it.",
    });
  }
  await host.files.writeAtomic(path, text);
}
