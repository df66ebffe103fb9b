import { type DapMessage, dapMessages, encodeDap, withPaths } from "../dap/frames.js";
import { KdockError } from "../../core/errors.js";
import { scriptArguments } from "../../build/plan/debugger-plan.js";
import { INSIDE } from "../../core/plan/names.js";
import type { Project } from "../../build/project.js";
import { openGdb } from "./gdb.js";
import { allModules } from "../../build/steps/module-store.js";
import { exportedTree } from "../../build/steps/source-record.js";

/**
 * Runs gdb's Debug Adapter Protocol server beside the running VM, on kdock's stdin and stdout; `attach` with target
 * "127.0.0.1:1234" connects it. Source paths are those of `kdock source export`, if it was used. Resolves with gdb's
 * exit code when the editor disconnects or gdb ends; the guest continues.
 */
export async function runDap({ ctx, plan }: Project, vm: string | undefined): Promise<number> {
  const { stdin } = ctx;
  if (stdin === undefined) {
    throw new KdockError("usage", "kdock dap is for editors: it needs a client on stdin", {
      hint: "`kdock ide vscode` or `kdock ide nvim` configures your editor; `kdock gdb` opens gdb's prompt.",
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
  // When the editor disconnects, the session ends: the container is removed, and the guest continues.
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
