import { nearest } from "../../config/spelling.js";
import { KdockError } from "../../core/errors.js";

/** For a name that no VM has. `names`: of the VMs that there are; `more`: another sentence for the hint. */
export function unknownVm(name: string, names: readonly string[], more = ""): KdockError {
  const near = nearest(name, names);
  const there = [...new Set(names)].sort().join(", ");
  const hint =
    there === ""
      ? `Start it with \`kdock run --name ${name}\`.`
      : [near === undefined ? "" : `Did you mean ${near}?`, `There is ${there}.`, more]
          .filter((sentence) => sentence !== "")
          .join(" ");
  return new KdockError("usage", `this project has no VM ${name}`, { hint });
}
