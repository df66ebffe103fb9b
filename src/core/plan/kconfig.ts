import { KdockError } from "../errors.js";

/** A kconfig fragment of the project, with its name in kdock.yaml. */
export interface Fragment {
  readonly name: string;
  readonly text: string;
}

/** Below /in: the options requested on top of the preset. */
export const REQUESTS = "fragments.config";

const ASSIGNMENT = /^(CONFIG_\w+)=(y|m|n|"(?:[^"\\]|\\.)*"|-?\d+|0[xX][0-9a-fA-F]+)$/;
const UNSET = /^# (CONFIG_\w+) is not set$/;

/**
 * The requested options as one fragment: fragments first, then `set`; the last setting wins. Rejects lines that Kconfig would
 * ignore, with file and line. Does not check that an option exists: the build does.
 */
export function requestedConfig(
  fragments: readonly Fragment[],
  set: Readonly<Record<string, string>>,
): string {
  const problems = fragments.flatMap(badLines);
  if (problems.length > 0) {
    throw new KdockError(
      "config",
      `not kconfig lines:\n${problems.map((p) => `  ${p}`).join("\n")}`,
      {
        hint: 'Write CONFIG_NAME=y, =m, =n, =123, ="text" or `# CONFIG_NAME is not set`.',
      },
    );
  }
  const inline = Object.entries(set).map(([name, value]) => configLine(name, value));
  const parts = fragments.map(({ name, text }) => `# from ${name}\n${text.trimEnd()}\n`);
  if (inline.length > 0) parts.push(`# from kdock.yaml\n${inline.join("\n")}\n`);
  return parts.join("");
}

/** A line of a .config; "n" is written as "is not set". */
export function configLine(name: string, value: string): string {
  return value === "n" ? `# ${name} is not set` : `${name}=${value}`;
}

const INITRAMFS = /^CONFIG_INITRAMFS_SOURCE="([^"]*)"$/gm;

/**
 * The project's files that a built-in initramfs is made from: the words of CONFIG_INITRAMFS_SOURCE that are relative paths.
 * The last text that sets the option wins, as in the kernel's build.
 */
export function initramfsPaths(texts: readonly string[]): string[] {
  const value = texts.flatMap((text) => [...text.matchAll(INITRAMFS)]).at(-1)?.[1] ?? "";
  return value.split(/\s+/).filter((word) => word !== "" && !word.startsWith("/"));
}

function badLines({ name, text }: Fragment): string[] {
  return text.split(/\r?\n/).flatMap((raw, index) => {
    const line = raw.trim();
    if (line === "" || UNSET.test(line) || ASSIGNMENT.test(line)) return [];
    // Comments are allowed, except a malformed "is not set".
    if (line.startsWith("#") && !/^#\s*CONFIG_\w+ is not/.test(line)) return [];
    return [`${name}:${index + 1}: ${line}`];
  });
}
