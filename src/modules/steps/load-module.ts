import { KdockError } from "../../core/errors.js";
import { LOAD_MODULES, loadArguments, loadOutcome } from "../plan/load-module.js";
import { INSIDE, labels, type ProjectNames } from "../../core/plan/names.js";
import { vmFacts } from "../../vm/plan/vm-facts.js";
import { packTar } from "../../archive/tar.js";
import type { Context } from "../../core/steps/context.js";
import { copyIn } from "../../guest/steps/copy-in.js";
import { findGuest, type GuestVm } from "../../guest/steps/find-guest.js";
import type { GuestContext } from "../../guest/steps/guest-context.js";
import { askGuest } from "../../guest/steps/guest-script.js";
import { waitForGuest } from "../../guest/steps/wait-for-guest.js";
import { type BuiltModule, inputsOf } from "../../build/steps/module-store.js";

export interface LoadedModule {
  readonly vm: string;
  readonly modules: readonly string[];
  /** The kernel's log meanwhile. */
  readonly log: readonly string[];
}

/**
 * Copies a module's files into a running guest and loads them; loaded modules of the same names are unloaded first.
 * `wanted`: the VM's name; undefined: the only running one. Rejects with a `vm` error that explains a failure.
 */
export async function loadModule(
  ctx: Context,
  guest: GuestContext,
  wanted: string | undefined,
  {
    module,
    again,
    bootTimeoutSeconds,
  }: { module: BuiltModule; again: string; bootTimeoutSeconds: number },
): Promise<LoadedModule> {
  const vm = await findGuest(guest, wanted);
  await requireSameKernel(ctx, guest, vm, module, again);
  await copyToDebuggers(ctx, guest.names, module);
  await using session = await waitForGuest(guest, vm, { bootTimeoutSeconds });
  const [folder = ""] = await askGuest(session, MAKE_FOLDER);
  for (const { file } of module.files) {
    const [from, to] = [`${module.folder}/${file}`, `${folder}/${file}`];
    await copyIn(guest.files, session, from, to, () => undefined);
  }
  const lines = await askGuest(session, LOAD_MODULES, folder, ...loadArguments(module.files));
  return {
    vm: vm.name,
    modules: module.files.map(({ module: name }) => name),
    log: loadOutcome(lines, again),
  };
}

/** depmod and modprobe look for out-of-tree modules there. */
const MAKE_FOLDER = `folder=/lib/modules/$(uname -r)/extra; mkdir -p "$folder" && echo "$folder"`;

/** Compares keys: kernels of the same release may differ in their structures. */
async function requireSameKernel(
  ctx: Context,
  guest: GuestContext,
  vm: GuestVm,
  module: BuiltModule,
  again: string,
): Promise<void> {
  const engine = await ctx.engine();
  const all = await engine.listContainers(labels("vm", guest.names.id));
  const running = vmFacts(all.find(({ id }) => id === vm.id)?.labels ?? {}).kernelKey;
  if (running === "" || running === module.kernelKey) return;
  throw new KdockError(
    "vm",
    `${module.name} was built for the kernel ${module.kernelKey} (${module.release}), but the VM runs ${running}`,
    { hint: `Build it for the running kernel: ${again}` },
  );
}

/** A running gdb reads a module's symbols from its own container when the guest loads the module. */
async function copyToDebuggers(
  ctx: Context,
  names: ProjectNames,
  module: BuiltModule,
): Promise<void> {
  const engine = await ctx.engine();
  for (const { id, running } of await engine.listContainers(labels("gdb", names.id))) {
    if (!running) continue;
    await engine
      .container(id)
      .putArchive(INSIDE.input, packTar(await inputsOf(ctx, module)))
      // The debugger may end meanwhile.
      .catch(() => undefined);
  }
}
