import { z } from "zod";
import type { Architecture, Config, VmSpecial } from "./config.js";
import type { Rows, Values } from "./row.js";
import { sectionSchema } from "./row-schema.js";
import { ROWS } from "./rows/rows.js";
import type { CheckedVm } from "./rows/vms.js";

/** kdock.yaml, or what another place says about its keys. */
export const ConfigFile = sectionSchema(z, ROWS);

export type CheckedFile = z.output<typeof ConfigFile>;

/** What the file may hold, for editors: see docs/reference. */
export function jsonSchema(): unknown {
  return z.toJSONSchema(ConfigFile, { io: "input" });
}

/** From the words of the file to those of plans. `usualArch` is meant where the file names none. */
export function complete(checked: CheckedFile, usualArch: Architecture): Config {
  const { kernel, vm, vms = {}, ...others } = withEveryKey(ROWS, checked);
  const { memory, ...machine } = vm;
  return {
    ...others,
    kernel: { ...kernel, arch: kernel.arch ?? usualArch },
    vm: { ...machine, memoryMiB: memory },
    vms: Object.fromEntries(Object.entries(vms).map(([name, each]) => [name, specialVm(each)])),
  };
}

/** zod leaves out what is not given and has no default; a configuration has it as undefined. */
function withEveryKey<R extends Rows>(rows: R, values: Values<R>): Values<R> {
  const entries = Object.entries(rows).map(([name, node]) => {
    const value = values[name];
    return [name, "rows" in node ? withEveryKey(node.rows, value as Values<Rows>) : value] as const;
  });
  return Object.fromEntries(entries) as Values<R>;
}

function specialVm({ memory, gdb, net, ...keys }: CheckedVm): VmSpecial {
  const given = Object.entries(keys).filter(([, value]) => value !== undefined);
  return {
    vm: {
      ...(Object.fromEntries(given) as VmSpecial["vm"]),
      ...(memory === undefined ? {} : { memoryMiB: memory }),
    },
    net: net?.mode === undefined ? {} : { mode: net.mode },
    listen: gdb,
  };
}
