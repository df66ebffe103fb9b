import { KdockError } from "../../core/errors.js";
import type { BisectState } from "./bisect.js";

interface Request {
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

/** The action of a `kdock bisect` call. */
export type BisectCall =
  | { readonly kind: "start"; readonly order: BisectOrder }
  | { readonly kind: "continue"; readonly state: BisectState };

/** Throws a `usage` error for arguments that conflict with each other or with the unfinished search (`current`). */
export function bisectCall(
  { command, good, bad, skipBuildFailures, continue: resume }: Request,
  flags: Readonly<Record<string, unknown>>,
  cwd: string,
  current: BisectState | undefined,
): BisectCall {
  const [program, ...args] = command;
  if (resume) {
    if (current === undefined) {
      throw new KdockError("usage", "there is no search to continue", {
        hint: "Start one: `kdock bisect --good REF --bad REF -- command`.",
      });
    }
    const hasFlags = Object.values(flags).some((value) => value !== undefined);
    if (cwd !== current.cwd) {
      throw new KdockError("usage", `the search was started in ${current.cwd}`, {
        hint: `Continue it there: cd ${current.cwd}`,
      });
    }
    if (program === undefined && good === undefined && bad === undefined && !hasFlags) {
      return { kind: "continue", state: current };
    }
    throw new KdockError("usage", "--continue takes no other options and no command", {
      hint: "Omit them, or discard the search: `kdock bisect --reset`.",
    });
  }
  if (current !== undefined) {
    throw new KdockError(
      "usage",
      `the search between ${current.good} and ${current.bad} has not ended (it is at ${current.next.hash.slice(0, 12)})`,
      {
        hint: "Continue it with `kdock bisect --continue`, or discard it with `kdock bisect --reset`.",
      },
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
