import type { Kdock } from "../../../app/kdock.js";
import type { Project } from "../../../build/project.js";
import type { LoadedModule } from "../../steps/load-module.js";
import type { BuiltModule } from "../../../build/steps/module-store.js";

interface Loading {
  readonly module: BuiltModule;
  /** The command that rebuilds and loads the module, for hints. */
  readonly again: string;
  readonly bootTimeoutSeconds: number;
}

/** `vm`: undefined for the only running VM. */
export async function loadInto(
  kdock: Kdock,
  { ctx }: Project,
  vm: string | undefined,
  loading: Loading,
): Promise<LoadedModule> {
  const guest = await kdock.openGuests();
  const { loadModule } = await import("../../steps/load-module.js");
  return loadModule(ctx, guest, vm, loading);
}
