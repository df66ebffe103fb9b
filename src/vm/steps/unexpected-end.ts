import { START_EXIT } from "../../core/plan/script-exits.js";
import { setTimeout as sleep } from "node:timers/promises";
import { failureText } from "../../build/plan/init-scripts.js";
import { KdockError } from "../../core/errors.js";
import { FOLDER } from "../../core/plan/names.js";
import type { ConsoleState } from "../plan/console-state.js";
import type { ConsoleTail } from "./console-tail.js";

/** Never resolves; rejects when the VM ends. Need not be awaited. */
export function unexpectedEnd(
  vm: { readonly exit: Promise<number> },
  tail: ConsoleTail,
): Promise<never> {
  const ended = vm.exit.then(async (exitCode) => {
    await tail.ended;
    throw vmEnded(exitCode, tail.state(), tail.lines());
  });
  ended.catch(() => undefined);
  return ended;
}

/**
 * A container that ends takes a moment to say so, on a busy machine several seconds; its end explains a broken connection
 * better than the break does.
 */
export const END_MS = 10_000;

/** Why the connection to the guest broke: the VM's end if it has ended, else the error itself. */
export async function endedOr(ended: Promise<never>, error: unknown): Promise<unknown> {
  const end = ended.catch((reason: unknown) => reason);
  return (await Promise.race([end, sleep(END_MS, undefined, { ref: false })])) ?? error;
}

/** The hint of errors for a VM that has ended unexpectedly. */
export const AFTER_END =
  "`kdock logs` shows its whole console, `kdock decode` with source lines; `kdock run -d` starts it anew.";

const TAIL_LINES = 15;

/** What a VM's end means when it was not expected. */
export function vmEnded(
  exitCode: number,
  { refusal, strict: failure }: ConsoleState,
  lines: readonly string[],
): KdockError {
  if (exitCode === START_EXIT.refused && refusal !== undefined) {
    return new KdockError("environment", refusal, {
      hint: "`kdock doctor` looks at this machine.",
    });
  }
  if (failure !== undefined) {
    return new KdockError("vm", `the boot ended: ${failureText(failure)}`, {
      hint: `Without rootfs.strict it would go on. The whole console is in ${FOLDER.logs}.`,
    });
  }
  return new KdockError("vm", withTail(`the VM ended (QEMU's exit code ${exitCode})`, lines), {
    hint: AFTER_END,
  });
}

/** A message, and below it the end of the console. */
export function withTail(message: string, lines: readonly string[]): string {
  const told = lines.slice(-TAIL_LINES).map((line) => `  | ${line}`);
  return told.length === 0 ? message : `${message}; its console ended with\n${told.join("\n")}`;
}
