import { KdockError } from "../../errors.js";

/** Of `kdock debug` and `kdock trap`: a guest that is stopped at boot cannot run a command. */
export function refuseExecAtBoot({ boot, exec }: { boot?: boolean; exec?: string }): void {
  if (boot !== true || exec === undefined) return;
  throw new KdockError("usage", "--exec needs a guest that has booted, and --boot stops before", {
    hint: "Leave one of them out.",
  });
}
