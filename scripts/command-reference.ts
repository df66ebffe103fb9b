import { Command } from "commander";
import type { Kdock } from "../src/app/kdock.js";
import { addBuildFlags, addVmFlags } from "../src/app/key-options.js";
import { kdockProgram } from "../src/program.js";

/** Columns of the help text. */
const WIDTH = 100;

interface Group {
  readonly title: string;
  readonly flags: ReadonlySet<string>;
}

const GROUPS: readonly [Group, Group] = [
  group("Options of the build", addBuildFlags(new Command())),
  group("Options of the machine", addVmFlags(new Command())),
];

function group(title: string, command: Command): Group {
  return { title, flags: new Set(command.options.map((option) => option.flags)) };
}

/** docs/reference/commands.md: what --help prints for each command, with shared options printed once. */
export async function commandReference(): Promise<string> {
  // A command uses its Kdock when it runs, and none runs here.
  const program = await kdockProgram({} as Kdock);
  const commands = program.commands.flatMap((command) => [command, ...command.commands]);
  return [
    "# Commands",
    "What `kdock COMMAND --help` prints, written from the program by `npm run docs`. Options that several commands share are at the\n" +
      `end of the page: ${GROUPS.map(link).join(" and ")}. Every command also takes \`--help\` and the options of \`kdock\`.`,
    "## kdock",
    block(helpOf(program)),
    ...commands.flatMap(section),
    ...GROUPS.flatMap(({ title }, at) => [`## ${title}`, block(optionsOf(at))]),
  ]
    .join("\n\n")
    .concat("\n");
}

function section(command: Command): string[] {
  const shared = GROUPS.filter(({ flags }) => hasAll(command, flags));
  const hidden = shared.flatMap(({ flags }) => [...flags]);
  const text = [`## ${fullName(command)}`, block(helpOf(command, new Set(hidden)))];
  if (shared.length > 0) text.push(`And the ${shared.map(link).join(" and ")}.`);
  return text;
}

function hasAll(command: Command, flags: ReadonlySet<string>): boolean {
  const own = new Set(command.options.map((option) => option.flags));
  return [...flags].every((each) => own.has(each));
}

function fullName(command: Command): string {
  return command.parent === null ? command.name() : `${fullName(command.parent)} ${command.name()}`;
}

/** With the examples, which commander prints but does not count as help. */
function helpOf(command: Command, hidden: ReadonlySet<string> = new Set()): string {
  let text = "";
  command
    .configureHelp({
      ...command.configureHelp(),
      visibleOptions: (cmd) =>
        cmd.options.filter((option) => !option.hidden && !hidden.has(option.flags)),
    })
    .configureOutput({
      writeOut: (part) => (text += part),
      getOutHelpWidth: () => WIDTH,
      getOutHasColors: () => false,
    })
    .outputHelp();
  return text;
}

function optionsOf(at: number): string {
  const holder = new Command("kdock").helpOption(false);
  const text = helpOf(at === 0 ? addBuildFlags(holder) : addVmFlags(holder));
  return text.slice(text.indexOf("Options:\n") + "Options:\n".length);
}

function link({ title }: Group): string {
  const text = title.charAt(0).toLowerCase() + title.slice(1);
  return `[${text}](#${title.toLowerCase().replaceAll(" ", "-")})`;
}

function block(text: string): string {
  return text
    .trimEnd()
    .split("\n")
    .map((line) => (line === "" ? "" : `    ${line}`))
    .join("\n");
}
