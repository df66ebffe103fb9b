import { Command } from "commander";
import type { Kdock } from "../../app/kdock.js";

export function define(kdock: Kdock): Command {
  return new Command("sbom")
    .description("print the bill of materials of the current artifacts, as CycloneDX 1.6 JSON")
    .action(async () => {
      const { ctx, plan, lock } = await kdock.openLocked();
      const { makeSbom } = await import("../steps/sbom.js");
      const text = await makeSbom(ctx, plan, lock);
      kdock.printer("sbom").result(JSON.parse(text), [text.trimEnd()]);
    });
}
