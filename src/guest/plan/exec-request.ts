import { KdockError } from "../../core/errors.js";

/** What was typed after `kdock exec`. */
export interface TypedExec {
  /** Empty for a shell. */
  readonly command: readonly string[];
  readonly input: boolean;
  readonly tty: boolean;
  readonly cwd: string;
  /** NAME=VALUE, or NAME for the value that the caller has. */
  readonly env: readonly string[];
}

export interface CallersTerminal {
  /** Both stdin and stdout are one. */
  readonly isTty: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** A login shell reads /etc/profile. */
const SHELL = ["sh", "-l"] as const;

/** What of the caller's environment makes a terminal's programs draw properly. */
const TERMINAL_VARIABLES = ["TERM", "COLORTERM"];

/** Throws a `usage` error for what cannot be meant. */
export function execRequest(typed: TypedExec, caller: CallersTerminal) {
  const { command, input, tty, cwd, env } = typed;
  const [program, ...args] = command;
  if (program === undefined && !(input && tty)) {
    throw new KdockError("usage", "there is no command to run", {
      hint: "`kdock exec -- COMMAND...`, or `kdock exec -it` for a shell.",
    });
  }
  if (input && tty && !caller.isTty) {
    throw new KdockError("usage", "-it needs a terminal, and stdin or stdout is none", {
      hint: "Leave -t out: -i alone passes stdin on.",
    });
  }
  if (cwd !== "" && !cwd.startsWith("/")) {
    throw new KdockError("usage", `--cwd: ${cwd} is not an absolute path of the guest`);
  }
  const variables = tty ? TERMINAL_VARIABLES.map((name) => [name, caller.env[name]]) : [];
  const argv: readonly [string, ...string[]] = program === undefined ? SHELL : [program, ...args];
  return {
    ...{ argv, input, tty, cwd },
    env: Object.fromEntries(
      [...variables, ...env.map((text) => variable(text, caller))].filter(isSet),
    ),
  };
}

function variable(text: string, caller: CallersTerminal): [string, string | undefined] {
  const at = text.indexOf("=");
  const name = at < 0 ? text : text.slice(0, at);
  if (name === "") throw new KdockError("usage", `-e: "${text}" has no name before the =`);
  return [name, at < 0 ? caller.env[name] : text.slice(at + 1)];
}

function isSet(pair: readonly (string | undefined)[]): pair is [string, string] {
  return pair[1] !== undefined;
}
