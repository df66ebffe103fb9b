import { Command } from "commander";
import type { Kdock } from "../kdock.js";
import { EXIT_CODES } from "../../core/errors.js";

export function define(kdock: Kdock): Command {
  return new Command("doctor")
    .description("say what is missing on this machine and how to mend it")
    .action(async () => {
      const { ctx, config } = await kdock.open();
      const { diagnose } = await import("../steps/doctor.js");
      const { doctorText } = await import("../../ui/findings-text.js");
      const findings = await diagnose(ctx, config);
      if (findings.some(({ verdict }) => verdict === "fail")) {
        kdock.exitCode = EXIT_CODES.environment;
      }
      kdock.printer("doctor").result(findings, doctorText(findings));
    });
}
