import type { Config, VmSpecial } from "./config.js";
import { isRecord, type RawValues } from "./layer.js";

/**
 * The configuration for a VM that is started by name: what was typed as a flag (see `flagLayer`) is meant for this one,
 * so it wins over what kdock.yaml says about it under `vms`.
 */
export function flagsForVm(config: Config, name: string, flags: RawValues): Config {
  const vm = isRecord(flags["vm"]) ? flags["vm"] : {};
  const typed = new Set(Object.keys(vm));
  const before: VmSpecial = config.vms[name] ?? { vm: {}, net: {}, listen: undefined };
  const kept = Object.entries(before.vm).filter(
    ([key]) => !typed.has(key === "memoryMiB" ? "memory" : key),
  );
  const gdb = flags["gdb"];
  const special: VmSpecial = {
    vm: Object.fromEntries(kept),
    net: isRecord(vm["net"]) && "mode" in vm["net"] ? {} : before.net,
    listen: isRecord(gdb) && "listen" in gdb ? config.gdb.listen : before.listen,
  };
  return { ...config, vms: { ...config.vms, [name]: special } };
}
