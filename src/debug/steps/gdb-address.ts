import { gdbPlan, publishedAddress } from "../../build/plan/gdb-plan.js";
import type { Project } from "../../build/project.js";
import { unknownVm } from "../../vm/plan/unknown-vm.js";
import { findRunning, vmNames } from "../../vm/steps/running-vm.js";
import { publishedStub } from "../../vm/steps/stub.js";

/** Where the gdbserver of a VM is: "127.0.0.1:1234". */
export interface GdbAddress {
  /** Where it is now; undefined when the VM does not run and its port is only known then. */
  readonly address: string | undefined;
  /** Where it is whenever the VM runs, by kdock.yaml; undefined for any free port. */
  readonly fixed: string | undefined;
}

/** Rejects with a `usage` error for a VM that is neither there nor in kdock.yaml. */
export async function gdbAddressOf(project: Project, vm: string): Promise<GdbAddress> {
  const { ctx, config } = project;
  const names = await vmNames(project);
  if (!names.includes(vm)) throw unknownVm(vm, names);
  const listen = config.vms[vm]?.listen;
  const fixed =
    listen === undefined ? undefined : gdbPlan({ ...config.gdb, listen }, ctx.folder).address;
  const found = await findRunning(project, vm);
  const port = found && (await publishedStub(ctx, found.info));
  return { address: port === undefined ? fixed : publishedAddress(port), fixed };
}
