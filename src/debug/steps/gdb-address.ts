import { gdbPlan, publishedAddress } from "../../build/plan/gdb-plan.js";
import type { Project } from "../../build/project.js";
import { unknownVm } from "../../vm/plan/unknown-vm.js";
import { findRunning, vmNames } from "../../vm/steps/running-vm.js";
import { publishedStub } from "../../vm/steps/stub.js";

/** Addresses of a VM's gdbserver: "127.0.0.1:1234". */
export interface GdbAddress {
  /** The current address; undefined while a VM with a free port is not running. */
  readonly address: string | undefined;
  /** The address configured in kdock.yaml; undefined for any free port. */
  readonly fixed: string | undefined;
}

/** Rejects with a `usage` error for a VM that neither exists nor is in kdock.yaml. */
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
