import { stringify } from "yaml";
import { configTree, type ConfigKey, type ConfigSection } from "./keys.js";

const HEAD = `# The lab that kdock builds and runs. Every key is optional and stands here with its default.
# The same keys as environment variables: KDOCK_VM_CPUS=2 is vm.cpus.
`;

/** The kdock.yaml that \`kdock init\` writes: it says what is so anyway, and explains it. */
export function initTemplate(): string {
  return HEAD + configTree().map(part).join("");
}

function part(node: ConfigKey | ConfigSection): string {
  const indent = "  ".repeat(node.path.length - 1);
  const name = node.path.at(-1) ?? "";
  if (!("kind" in node)) {
    const gap = node.path.length === 1 ? "\n" : "";
    return `${gap}${indent}# ${node.description}\n${indent}${name}:\n`;
  }
  const accepts = node.form === "text" ? "" : ` (${node.form})`;
  return `${indent}# ${node.description}${accepts}\n${line(node, name, indent)}`;
}

/** A key that has no default stands there as an example, commented out. */
function line({ fallback, example }: ConfigKey, name: string, indent: string): string {
  const sample = example === undefined ? "" : `${indent}# ${name}: ${inline(example)}\n`;
  return fallback === undefined ? sample : `${sample}${indent}${name}: ${inline(fallback)}\n`;
}

function inline(value: unknown): string {
  return stringify(value, { collectionStyle: "flow", flowCollectionPadding: false }).trimEnd();
}
