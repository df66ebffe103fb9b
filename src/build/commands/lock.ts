import { Command, Option } from "commander";
import type { Kdock } from "../../app/kdock.js";
import { UPDATE_PARTS, type UpdatePart } from "../../core/plan/choices.js";

interface LockFlags {
  /** True for --update without parts. */
  readonly update?: true | readonly UpdatePart[];
}

export function define(kdock: Kdock): Command {
  return new Command("lock")
    .description("pin all inputs that kdock.lock does not pin yet (the first build does that, too)")
    .addOption(
      new Option(
        "--update [part...]",
        "pin these parts, or everything, again: to the versions that mirrors have now",
      ).choices(UPDATE_PARTS),
    )
    .action(async ({ update = [] }: LockFlags) => {
      const project = await kdock.open({ readLock: true, followBuild: false });
      const { updateLock } = await import("../steps/lock.js");
      const { changes } = await updateLock(project, update === true ? UPDATE_PARTS : update);
      const lines = changes.length > 0 ? changes : ["kdock.lock is up to date"];
      kdock.printer("lock").result({ changes }, lines);
    });
}
