import { Command } from "commander";
import type { Kdock } from "../../../app/kdock.js";
import { addHiddenVm, type VmFlag, vmOf, vmOption } from "../../../app/vm-flag.js";
import { CHECK_FAILED } from "../../../core/errors.js";

const MORE = `
Prints a line for each hop, from the guest outwards and back, and the fix below a hop that fails. A temporary container serves as
the outside; no other host is contacted. Exit code 0: all hops are ok; 1: one is not.`;

export function define(kdock: Kdock): Command {
  const command = new Command("check")
    .description(
      "a verdict for each hop: guest, gateway, another container, host, DNS, MTU; and how to fix it",
    )
    .usage("[options]")
    .addOption(vmOption("only this VM (default: all)"))
    .addHelpText("after", MORE);
  return addHiddenVm(command).action(async (name: string | undefined, flags: VmFlag) => {
    const vm = vmOf(flags, name);
    const project = await kdock.open();
    const { checkNet } = await import("../../steps/net-check/net-check.js");
    const { netCheckText } = await import("../../text/net-check-text.js");
    const result = await checkNet(project, vm);
    if (!result.ok) kdock.exitCode = CHECK_FAILED;
    kdock.printer("net check").result(result, netCheckText(result));
  });
}
