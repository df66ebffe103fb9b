import type { DiskRequest } from "../../config/config.js";
import { type Engine, isOnThisMachine } from "../../engine/engine.js";
import { KdockError } from "../../core/errors.js";
import { conflict, type Disk, diskFormat, disksInUse, HEADER_BYTES } from "../plan/disks.js";
import { hostPath } from "../../core/plan/host-path.js";
import { LABEL, labels } from "../../core/plan/names.js";
import { vmFacts } from "../plan/vm-facts.js";
import type { Context } from "../../core/steps/context.js";

/** Looks at the files that are to be the guest's disks; rejects with a `config` error for one that cannot be. */
export async function findDisks(
  ctx: Context,
  requests: readonly DiskRequest[],
): Promise<readonly Disk[]> {
  const disks: Disk[] = [];
  for (const request of requests) {
    const disk = request.kind === "scratch" ? request : await findFile(ctx, request);
    if (conflict(disksInUse([disk]), disksInUse(disks)) !== undefined) {
      throw new KdockError(
        "config",
        `the disk ${pathOf(disk)} is given twice, and may be written to`,
        {
          hint: "One file can be two disks only if both are read-only: FILE:ro.",
        },
      );
    }
    disks.push(disk);
  }
  return disks;
}

/** Whether the engine and its other VMs leave us these disks. */
export async function requireDisks(
  ctx: Context,
  engine: Engine,
  disks: readonly Disk[],
): Promise<void> {
  const files = disksInUse(disks);
  const [first] = files;
  if (first === undefined) return;
  const info = await engine.info();
  if (!isOnThisMachine(info)) {
    throw new KdockError(
      "environment",
      `the disk ${first.path} is a file of this machine, and the engine is at ${info.endpoint}`,
      { hint: "An empty disk, such as --disk 1G, works there; `kdock cp` brings files into it." },
    );
  }
  ctx.signal.throwIfAborted();
  for (const vm of await engine.listContainers(labels("vm", undefined))) {
    const facts = vmFacts(vm.labels);
    const taken = vm.running ? conflict(files, facts.disks) : undefined;
    if (taken === undefined) continue;
    throw new KdockError(
      "environment",
      `the disk ${taken.path} is in use by the VM ${facts.slot.name} of the project ${vm.labels[LABEL.project] ?? "?"}`,
      { hint: "End that one, give this VM a copy, or have both read only: FILE:ro." },
    );
  }
}

async function findFile(
  ctx: Context,
  { path: written, readOnly }: DiskRequest & { kind: "file" },
): Promise<Disk> {
  const { files } = ctx.host;
  const named = hostPath(ctx.folder, written);
  if (!(await files.exists(named))) {
    throw new KdockError("config", `there is no disk ${written}`, {
      hint: `\`truncate -s 1G ${written}\` makes an empty one; a size in its place, one that goes with the VM.`,
    });
  }
  const path = await files.realPath(named);
  const status = await files.status(path);
  if (status?.kind !== "file") {
    const what = status?.kind === "directory" ? "a folder" : "no plain file";
    throw new KdockError("config", `the disk ${written} is ${what}`, {
      hint: "kdock takes image files, raw or qcow2. A device can be copied into one with dd.",
    });
  }
  const verdict = diskFormat(await files.readHead(path, HEADER_BYTES), status.sizeBytes);
  if ("problem" in verdict) {
    throw new KdockError("config", `the disk ${written} ${verdict.problem}`, {
      hint: verdict.hint.replaceAll("FILE", written),
    });
  }
  if (!readOnly && !(await files.isWritable(path))) {
    throw new KdockError("config", `the disk ${written} may not be written to`, {
      hint: `${written}:ro gives it to the guest read-only.`,
    });
  }
  return { kind: "file", path, readOnly, format: verdict.format };
}

function pathOf(disk: Disk): string {
  return disk.kind === "file" ? disk.path : "";
}
