import { configKeys } from "./keys.js";

/** Every key as a Markdown table, for docs/reference/kdock-yaml.md. */
export function configReference(): string {
  const rows = configKeys().map(({ name, form, fallback, env, description }) => [
    code(name),
    form,
    fallback === undefined ? "" : code(JSON.stringify(fallback)),
    env === undefined ? "" : code(env),
    description,
  ]);
  const head = ["Key", "Accepts", "Default", "Environment variable", "What it is"];
  return [head, head.map(() => "---"), ...rows]
    .map((cells) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |\n`)
    .join("");
}

function code(text: string): string {
  return `\`${text}\``;
}
