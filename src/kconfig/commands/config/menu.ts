import { Command, Option } from "commander";
import type { Kdock } from "../../../app/kdock.js";
import type { MenuTool } from "../../plan/config-question.js";

const TOOLS: readonly MenuTool[] = ["menuconfig", "nconfig"];

interface MenuFlags {
  readonly tool: MenuTool;
  /** Relative to kdock.yaml. */
  readonly to: string;
}

export function define(kdock: Kdock): Command {
  return new Command("menu")
    .description("run menuconfig on the terminal; saves the changes, and only these, as a fragment")
    .addOption(new Option("--tool <name>", "which menu").choices(TOOLS).default("menuconfig"))
    .option("--to <file>", "the fragment, relative to kdock.yaml", "kernel.config")
    .action(async ({ tool, to }: MenuFlags) => {
      const project = await kdock.openLocked();
      const { configMenu } = await import("../../steps/config-menu.js");
      const { menuText } = await import("../../text/config-text.js");
      const result = await configMenu(project, { tool, fragment: to, path: kdock.configPath });
      kdock.printer("config menu").result(result, menuText(result, to, kdock.configName));
    });
}
