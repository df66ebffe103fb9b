import { KdockError } from "../../core/errors.js";
import { visible } from "../../ui/visible.js";

interface Copied {
  readonly from: string;
  readonly to: string;
  readonly entries: number;
  readonly leftOut: readonly { readonly path: string; readonly why: string }[];
}

const MAX_SHOWN = 20;

/** A copy that is not whole: the rest is in its place. */
export function leftOutError({ from, to, entries, leftOut }: Copied): KdockError {
  const shown = leftOut.slice(0, MAX_SHOWN).map(({ path, why }) => `  ${line(path)}: ${line(why)}`);
  const more = leftOut.length - shown.length;
  const lines = [...shown, ...(more > 0 ? [`  and ${more} more; --json names all`] : [])];
  const files = leftOut.length === 1 ? "1 file" : `${leftOut.length} files`;
  return new KdockError(
    "vm",
    `${files} of ${from} could not be copied; the other ${entries} are in ${to}:\n${lines.join("\n")}`,
  );
}

/** A guest's names may be any text. */
function line(text: string): string {
  return visible(text).replaceAll("\n", "\\n");
}
