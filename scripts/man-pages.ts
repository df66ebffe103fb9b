import type { Command } from "commander";
import type { Kdock } from "../src/app/kdock.js";
import { kdockProgram } from "../src/program.js";

/** The manual by file name, "kdock-config-set.1": what --help prints, as troff with the macros of man(7). */
export async function manPages(version: string): Promise<Map<string, string>> {
  // A command uses its Kdock when it runs, and none runs here.
  const program = await kdockProgram({} as Kdock);
  return new Map(
    commandsFrom(program).map((command) => [`${dashed(command)}.1`, page(command, version)]),
  );
}

function commandsFrom(command: Command): Command[] {
  return [command, ...command.commands.flatMap(commandsFrom)];
}

function words(command: Command): string[] {
  return [...(command.parent === null ? [] : words(command.parent)), command.name()];
}

/** "kdock-config-set" */
function dashed(command: Command): string {
  return words(command).join("-");
}

function page(command: Command, version: string): string {
  const title = dashed(command);
  const help = command.createHelp();
  return [
    `.TH ${escaped(title.toUpperCase())} 1 "" "kdock ${version}" "kdock manual"`,
    ".SH NAME",
    `${escaped(title)} \\- ${escaped(command.summary() || command.description())}`,
    ".SH SYNOPSIS",
    `.B ${escaped(words(command).join(" "))}`,
    escaped(command.usage()),
    ".SH DESCRIPTION",
    paragraph(command.description()),
    ...section(
      "ARGUMENTS",
      help
        .visibleArguments(command)
        .map((argument) => [help.argumentTerm(argument), help.argumentDescription(argument)]),
    ),
    ...section(
      "OPTIONS",
      help
        .visibleOptions(command)
        .map((option) => [help.optionTerm(option), help.optionDescription(option)]),
    ),
    ...section(
      "COMMANDS",
      command.commands.map((each) => [`${dashed(each)}(1)`, each.summary() || each.description()]),
    ),
    ...verbatim(textAfterHelp(command)),
    ...seeAlso(command),
  ]
    .join("\n")
    .concat("\n");
}

/** A sentence has a full stop; a description of commander's has none. */
function paragraph(text: string): string {
  return escaped(`${text.charAt(0).toUpperCase()}${text.slice(1).replace(/\.?$/, ".")}`);
}

function section(title: string, rows: readonly (readonly [string, string])[]): string[] {
  if (rows.length === 0) return [];
  return [
    `.SH ${title}`,
    ...rows.flatMap(([term, about]) => [
      ".TP",
      `.B ${escaped(term)}`,
      ...(about === "" ? [] : [escaped(about)]),
    ]),
  ];
}

/** Examples and the like, as they are: they are laid out already. */
function verbatim(text: string): string[] {
  const lines = text
    .trimEnd()
    .split("\n")
    .filter((line, at) => at > 0 || line !== "");
  if (lines.length === 0) return [];
  return [".SH NOTES", ".nf", ...lines.map((line) => (line === "" ? ".sp" : escaped(line))), ".fi"];
}

/** What `addHelpText` adds: commander prints it, and does not count it as help. */
function textAfterHelp(command: Command): string {
  let text = "";
  command
    .configureHelp({ formatHelp: () => "" })
    .configureOutput({ writeOut: (part) => (text += part) })
    .outputHelp();
  return text.replace(/^\n+/, "");
}

function seeAlso({ parent }: Command): string[] {
  return parent === null ? [] : [".SH SEE ALSO", `.BR ${escaped(dashed(parent))} (1)`];
}

/** Text that troff prints as it stands: "-" is a hyphen for it, a leading dot or quote a request. */
function escaped(text: string): string {
  return text.replaceAll("\\", "\\e").replaceAll("-", "\\-").replace(/^[.']/gm, "\\&$&");
}
