import type { Project } from "../../build/project.js";
import { kernelKeyOf } from "../../vm/plan/vm-facts.js";
import type { Context } from "../../core/steps/context.js";
import { type DumpFormat, dumpGuestMemory, type DumpResult } from "./dump-memory.js";
import { missingOptions } from "./dumped-kernel.js";
import { targetFile } from "../../core/steps/target-file.js";
import { findRunningVm } from "../../vm/steps/vms.js";

export interface DumpOptions {
  /** A VM's name; undefined: the only one. */
  readonly vm: string | undefined;
  /** Absolute. */
  readonly path: string;
  readonly format: DumpFormat;
  /** Replace an existing file. */
  readonly force: boolean;
}

/** Writes the memory of this project's VM to a file. Rejects with a `usage` error if the file exists and `force` is not set. */
export async function dump(
  { ctx, plan }: Project,
  { vm, path, format, force }: DumpOptions,
): Promise<DumpResult> {
  const file = await targetFile(ctx.host.files, path, { force });
  const { container, info } = await findRunningVm(ctx, plan, vm);
  await warnIfUnreadable(ctx, kernelKeyOf(info.labels, plan));
  return await dumpGuestMemory(ctx, container, file, { format });
}

/** The dump is complete in any case; drgn and crash need more than its bytes. */
async function warnIfUnreadable(ctx: Context, kernelKey: string): Promise<void> {
  const missing = await missingOptions(ctx, kernelKey);
  if (missing.length === 0) return;
  const text = `this kernel was built without ${missing.join(", ")}: drgn and crash will not read the dump`;
  ctx.reporter.emit({ type: "warning", text });
}
