import { KdockError } from "../../core/errors.js";
import type { BisectState } from "./bisect.js";

interface Asked {
  readonly command: readonly string[];
  readonly good: string | undefined;
  readonly bad: string | undefined;
  readonly skipBuildFailures: boolean;
  readonly continue: boolean;
}

export type BisectOrder = Pick<
  BisectState,
  "good" | "bad" | "command" | "skipBuildFailures" | "cwd" | "flags"
>;

/** What a call of `kdock bisect` does. */
export type BisectCall =
  | { readonly kind: "start"; readonly order: BisectOrder }
  | { readonly kind: "continue"; readonly state: BisectState };

/** Throws a `usage` error for words that do not go together, or not with the search that has not ended (`there`). */
export function bisectCall(
  { command, good, bad, skipBuildFailures, continue: goOn }: Asked,
  flags: Readonly<Record<string, unknown>>,
  cwd: string,
  there: BisectState | undefined,
): BisectCall {
  const [program, ...args] = command;
  if (goOn) {
    if (there === undefined) {
      throw new KdockError("usage", "there is no search to go on with", {
        hint: "Begin one: `kdock bisect --good REF --bad REF -- command`.",
      });
    }
    const typed = Object.values(flags).some((value) => value !== undefined);
    if (cwd !== there.cwd) {
      throw new KdockError(
        "usage",
        `the search was begun in ${there.cwd}, and goes on from there`,
        {
          hint: `cd ${there.cwd}`,
        },
      );
    }
    if (program === undefined && good === undefined && bad === undefined && !typed) {
      return { kind: "continue", state: there };
    }
    throw new KdockError(
      "usage",
      "--continue goes on with the words that the search was begun with",
      {
        hint: "Leave everything else out, or forget the search: `kdock bisect --reset`.",
      },
    );
  }
  if (there !== undefined) {
    throw new KdockError(
      "usage",
      `a search between ${there.good} and ${there.bad} has not ended (it is at ${there.next.hash.slice(0, 12)})`,
      { hint: "Go on with `kdock bisect --continue`, or forget it with `kdock bisect --reset`." },
    );
  }
  if (good === undefined || bad === undefined || program === undefined) {
    const missing = [
      ...(good === undefined ? ["--good REF"] : []),
      ...(bad === undefined ? ["--bad REF"] : []),
      ...(program === undefined ? ["-- command"] : []),
    ];
    throw new KdockError("usage", `a bisect needs ${missing.join(", ")}`, {
      hint: "`kdock bisect --help` has examples.",
    });
  }
  for (const ref of [good, bad]) {
    if (/^[\w.@][\w./+@~^-]*$/.test(ref)) continue;
    throw new KdockError("usage", `${ref} is no branch, tag or commit`);
  }
  const others = Object.fromEntries(Object.entries(flags).filter(([name]) => name !== "kernel"));
  const order: BisectOrder = {
    ...{ good, bad, command: [program, ...args], skipBuildFailures, cwd },
    flags: others,
  };
  return { kind: "start", order };
}
