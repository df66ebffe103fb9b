import { type DapMessage, dapMessages, encodeDap, withPaths } from "../dap/frames.js";
import { KdockError } from "../../core/errors.js";
import { scriptArguments } from "../../build/plan/debugger-plan.js";
import { INSIDE } from "../../core/plan/names.js";
import type { Project } from "../../build/project.js";
import { openGdb } from "./gdb.js";
import { allModules } from "../../build/steps/module-store.js";
import { exportedTree } from "../../build/steps/source-record.js";

/**
 * gdb's own Debug Adapter Protocol server beside the running VM, on kdock's stdin and stdout; `attach` with
 * target "127.0.0.1:1234" connects it. Sources are named by where `kdock source export` put them, if it did. Resolves
 * with gdb's exit code when the editor hangs up or gdb ends; the guest goes on.
 */
export async function runDap({ ctx, plan }: Project, vm: string | undefined): Promise<number> {
  const { stdin } = ctx;
  if (stdin === undefined) {
    throw new KdockError("usage", "kdock dap is spoken to by an editor, not by a person", {
      hint: "`kdock ide vscode` or `kdock ide nvim` writes what your editor needs; `kdock gdb` is for people.",
    });
  }
  const exported = (await exportedTree(ctx, plan))?.source ?? INSIDE.source;
  const moved: readonly (readonly [here: string, inside: string])[] = [
    [exported, INSIDE.source],
    ...(await allModules(ctx)).map(
      ({ source, name }) => [source, `${INSIDE.modules}/${name}`] as const,
    ),
  ];
  await using session = await openGdb(ctx, plan, {
    vm,
    gdbArguments: [
      "dap",
      "-nx",
      "-q",
      "-x",
      INSIDE.gdbSettings,
      ...scriptArguments(plan.gdb.scripts),
    ],
    env: {},
    terminal: false,
  });
  const toGdb = relay(stdin, (message) => {
    const inside = moved.reduce((rest, [here, there]) => withPaths(rest, here, there), message);
    session.stream.write(encodeDap(inside));
  });
  const toEditor = relay(session.stream, (message) => {
    const here = moved.reduce((rest, [place, inside]) => withPaths(rest, inside, place), message);
    // eslint-disable-next-line no-restricted-syntax -- a message of a protocol
    ctx.stdout.write(encodeDap(here));
  });
  toEditor.catch(() => undefined);
  // An editor that goes away without a word ends the session: the container is removed, and the guest let go.
  const ended = await Promise.race([session.exit, toGdb.then(() => undefined)]);
  if (ended !== undefined) {
    await toEditor.catch(() => {
      ctx.signal.throwIfAborted();
    });
  }
  return ended ?? 0;
}

async function relay(
  from: AsyncIterable<Uint8Array>,
  onMessage: (message: DapMessage) => void,
): Promise<void> {
  for await (const message of dapMessages(from)) onMessage(message);
}
