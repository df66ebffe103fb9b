import { KdockError } from "../errors.js";
import type { Project } from "../project.js";
import { type DumpFormat, dumpGuestMemory, type DumpResult } from "./dump-memory.js";
import { findRunningVm } from "./vms.js";

export interface DumpOptions {
  /** Absolute. */
  readonly path: string;
  readonly format: DumpFormat;
  /** Replace a file that is there. */
  readonly force: boolean;
}

/** Writes the memory of this project's VM to a file. Rejects with a `usage` error where there is something already. */
export async function dump(
  { ctx, plan }: Project,
  { path, format, force }: DumpOptions,
): Promise<DumpResult> {
  const { files } = ctx.host;
  if (await files.isFolder(path)) {
    throw new KdockError("usage", `${path} is a folder`, { hint: "Name a file." });
  }
  if (!force && (await files.exists(path))) {
    throw new KdockError("usage", `${path} is there already`, {
      hint: "Name another file, or replace it with --force.",
    });
  }
  const { container } = await findRunningVm(ctx, plan);
  return await dumpGuestMemory(ctx, container, path, { format });
}
