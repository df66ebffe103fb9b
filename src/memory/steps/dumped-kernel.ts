import { KdockError } from "../../core/errors.js";
import { buildIdOf } from "../plan/build-id.js";
import { type Core, missingForDump } from "../plan/core-event.js";
import { FOLDER } from "../../core/plan/names.js";
import { readKernelConfig } from "../../core/steps/artifact-store.js";
import { type Context, inProject } from "../../core/steps/context.js";

const HINT =
  "drgn and crash cannot read a dump of its memory without that: use preset debug or defconfig, or kernel.set in kdock.yaml.";

/** Rejects with a `usage` error that names the missing kernel options if drgn and crash cannot read a dump of the kernel. */
export async function requireReadable(ctx: Context, kernelKey: string): Promise<void> {
  const missing = await missingOptions(ctx, kernelKey);
  if (missing.length === 0) return;
  throw new KdockError("usage", `this kernel was built without ${missing.join(", ")}`, {
    hint: HINT,
  });
}

/** Empty for a kernel whose artifacts were removed; later steps report that. */
export async function missingOptions(ctx: Context, kernelKey: string): Promise<string[]> {
  const config = await readKernelConfig(ctx, kernelKey);
  return config === undefined ? [] : missingForDump(config);
}

/**
 * The key of the kernel that a dump is of, found by build id: `likely` is compared first, then all other builds of this
 * project. Rejects with a `usage` error when none matches, and when the dump has no VMCOREINFO.
 */
export async function dumpedKernel(ctx: Context, core: Core, likely: string): Promise<string> {
  if (core.release === "") throw noDescription();
  if (core.buildId === "") return likely;
  const { files } = ctx.host;
  const folder = inProject(ctx, `${FOLDER.out}/kernel`);
  const all = (await files.exists(folder)) ? await files.list(folder) : [];
  for (const key of [likely, ...all.filter((each) => each !== likely)]) {
    const vmlinux = `${folder}/${key}/vmlinux`;
    if (!(await files.exists(vmlinux))) continue;
    if (buildIdOf(await files.readBytes(vmlinux)) === core.buildId) return key;
  }
  throw new KdockError(
    "usage",
    `the dump is of a kernel that was not built here: Linux ${core.release}, build id ${core.buildId}`,
    {
      hint: "Open it in the project that it comes from, or build that kernel again: kdock.lock reproduces the same bytes.",
    },
  );
}

function noDescription(): KdockError {
  return new KdockError("usage", "the dump does not name its kernel (no VMCOREINFO)", {
    hint:
      "The kernel writes VMCOREINFO shortly after its start, if it has CONFIG_FW_CFG_SYSFS=y and QEMU runs with " +
      "`-device vmcoreinfo`: wait until the guest is ready; restart a VM that an older kdock started.",
  });
}
