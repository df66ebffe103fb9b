import type { z } from "zod";
import { LISTEN } from "../machine-types.js";
import { row, type Values } from "../row.js";
import { specialShape } from "../row-schema.js";
import type { ValueType } from "../types.js";
import type { ListenAddress } from "../values.js";
import { vmNameProblem } from "../vm-name.js";
import { vm } from "./vm.js";

type Machine = Values<(typeof vm)["rows"]>;

/** What is special about one VM; keys that all VMs share are never there. */
export interface CheckedVm extends Partial<Omit<Machine, "net">> {
  readonly net?: Partial<Machine["net"]>;
  readonly gdb?: ListenAddress;
}

const VMS: ValueType<Readonly<Record<string, unknown>>, Readonly<Record<string, CheckedVm>>> = {
  kind: "vms",
  form: "a map of names to keys of vm, and gdb",
  schema: (zod) =>
    zod.record(
      zod.string().superRefine((name, context) => {
        const problem = vmNameProblem(name);
        if (problem !== undefined) context.addIssue({ code: "custom", message: problem });
      }),
      zod.strictObject({
        ...specialShape(zod, vm.rows),
        gdb: LISTEN.schema(zod).optional(),
      }) as z.ZodType as z.ZodType<CheckedVm>,
    ),
};

export const vms = row({
  type: VMS,
  help: "several VMs on one network, for `kdock up`: what is special about each, by name",
  example: { server: { ports: ["9090:9090"] }, client: { memory: "256M", gdb: 1240 } },
});
