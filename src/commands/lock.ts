import { Command, Option } from "commander";
import type { App, UpdatePart } from "../app.js";

const PARTS: readonly UpdatePart[] = ["kernel", "busybox", "base", "toolchain", "qemu", "gdb"];

export function lockCommand(app: App): Command {
  return new Command("lock")
    .description(
      "pin everything that is not pinned yet in kdock.lock (the first build does it, too)",
    )
    .addOption(
      new Option(
        "--update [part...]",
        "pin these anew, or everything: what the mirrors have today",
      ).choices(PARTS),
    )
    .action((flags: { update?: true | UpdatePart[] }) => {
      if (flags.update === undefined) return app.lock([]);
      return app.lock(flags.update === true ? PARTS : flags.update);
    });
}
