import { Command } from "commander";
import type { Kdock } from "../../app/kdock.js";
import type { KeyFlags } from "../../config/key-flags.js";
import { addBuildFlags, addVmFlags } from "../../app/key-options.js";

export function define(kdock: Kdock): Command {
  const command = new Command("plan").description(
    "print what build and run would do, without doing it",
  );
  return addVmFlags(addBuildFlags(command)).action(async (flags: KeyFlags) => {
    const project = await kdock.openLocked(flags);
    const { DEFAULT_VM } = await import("../../core/plan/names.js");
    const { vmPlan } = await import("../plan/vm-plan.js");
    const { transportFor } = await import("../steps/shares.js");
    const { planData, planText } = await import("../plan/plan-text.js");
    const { config, plan } = project;
    const transport = await transportFor(project, DEFAULT_VM);
    const mode = { paused: false, command: false };
    const vm = vmPlan(config, plan, mode, undefined, { transport });
    kdock.printer("plan").result(planData(plan, vm), planText(plan, vm));
  });
}
