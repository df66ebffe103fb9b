import { Command } from "commander";
import type { App } from "../app.js";

export function sbomCommand(app: App): Command {
  return new Command("sbom")
    .description("print what the current artifacts were made from, as CycloneDX 1.6 JSON")
    .action(() => app.sbom());
}
