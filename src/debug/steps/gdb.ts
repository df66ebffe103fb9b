import { packTar, type TarEntry } from "../../archive/tar.js";
import { readTar } from "../../archive/read-tar.js";
import type { AttachedStream, Container, ContainerInfo } from "../../engine/engine.js";
import { KdockError } from "../../core/errors.js";
import type { Terminal } from "../../host/host.js";
import { onAbort } from "../../core/on-abort.js";
import { scriptsInside, sessionContainer } from "../../build/plan/debugger-plan.js";
import { belowInput, FOLDER, INSIDE, labels } from "../../core/plan/names.js";
import { isGdbPort } from "../../core/plan/ports.js";
import type { Plan } from "../../build/plan/plan.js";
import { kernelKeyOf } from "../../vm/plan/vm-facts.js";
import { ensureImage } from "../../build/steps/builder-image.js";
import { type Context, inProject } from "../../core/steps/context.js";
import { moduleInputs } from "../../build/steps/module-store.js";
import { withSymbols } from "./session-container.js";
import { releaseStub, stubClient, whyNoStub } from "../../vm/steps/stub.js";
import { factsOf } from "../../vm/steps/choose-vm.js";
import { findRunningVm, type FoundVm } from "../../vm/steps/vms.js";

/** The lowest exit code that stands for a signal: 128 + its number. */
const KILLED = 129;

/** Allows for an engine under load. */
const INTERRUPT_TIMEOUT_MS = 10_000;

export interface GdbRequest {
  /** A VM's name; undefined: the only one. */
  readonly vm: string | undefined;
  /** Appended to kdock's; see images/gdb/session.gdb. */
  readonly gdbArguments: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly terminal: boolean;
  /** Separate stderr from stdout. */
  readonly apart?: boolean;
}

/** gdb in a container beside a VM. Disposing of it removes the container; a guest that gdb left stopped is resumed. */
export interface GdbSession extends AsyncDisposable {
  /** gdb's terminal, or its stdin with stdout and stderr; with `apart`, stdout only. */
  readonly stream: AttachedStream;
  resize(size: { rows: number; columns: number }): Promise<void>;
  /** gdb's exit code. */
  readonly exit: Promise<number>;
  /** Like Ctrl-C on a terminal: stops a running guest, and gdb reads its next command. */
  interrupt(): Promise<void>;
}

/**
 * Starts gdb in a container that shares the running VM's network, with symbols, and with sources and objects at the
 * paths in the debug information. Rejects with a `usage` error without a VM, without a gdbstub, and while another
 * debugger is connected.
 */
export async function openGdb(ctx: Context, plan: Plan, request: GdbRequest): Promise<GdbSession> {
  const { container: vm, info } = await findRunningVm(ctx, plan, request.vm);
  await requireStub(ctx, vm, info);
  await requireNoDebugger(ctx, plan, { container: vm, info });
  await ensureImage(ctx, plan.gdbImage, { noCache: false });
  const kernelKey = kernelKeyOf(info.labels, plan);
  const container = await withSymbols(ctx, plan, kernelKey, (symbols, volumes) =>
    sessionContainer(plan.names, plan.gdbImage, {
      ...request,
      vm: { id: info.id, name: factsOf(info).slot.name },
      symbols,
      volumes,
    }),
  );
  let ended: number | undefined;
  try {
    await container.putArchive(
      INSIDE.input,
      packTar([...(await inputs(ctx, plan)), ...(await moduleInputs(ctx, kernelKey))]),
    );
    const stream = await container.attach(request.apart === true ? "apart" : "merged");
    const exit = container.wait(ctx.signal).then((code) => (ended = code));
    exit.catch(() => undefined);
    await container.start();
    const guard = new AbortController();
    startGuard(container, guard.signal);
    // gdb may keep running after an abort; readers of the stream must not wait for it.
    const abortListener = onAbort(ctx.signal, () => stream.destroy(ctx.signal.reason as Error));
    return {
      stream,
      resize: (size) => container.resize(size),
      exit,
      interrupt: () => interrupt(container),
      async [Symbol.asyncDispose]() {
        stream.destroy();
        await keepHistory(ctx, container);
        await container[Symbol.asyncDispose]();
        guard.abort();
        abortListener[Symbol.dispose]();
        // A normal exit detaches; a killed gdb leaves its breakpoints set and the guest stopped.
        if (ended !== undefined && ended < KILLED) return;
        await releaseStub(vm).catch(() => undefined);
        if (ended !== undefined) ctx.reporter.emit({ type: "warning", text: wasKilled(ended) });
      },
    };
  } catch (error) {
    await container[Symbol.asyncDispose]();
    throw error;
  }
}

/** For a program on the user's terminal; images/gdb/start.sh replaces a type that the image has no terminfo entry for. */
export function terminalEnvironment({
  isInteractive,
  type,
}: Pick<Terminal, "isInteractive" | "type">): Readonly<Record<string, string>> {
  return isInteractive && type !== undefined ? { TERM: type } : {};
}

function wasKilled(exitCode: number): string {
  return `gdb was killed (exit code ${exitCode}): its breakpoints were removed and the guest resumed`;
}

/** Ends gdb when kdock ends, even by SIGKILL: the engine closes an exec's stdin with the connection. */
function startGuard(container: Container, signal: AbortSignal): void {
  container.exec(["sh", INSIDE.gdbStart, "guard"], { tty: false, signal }).then(
    ({ stream }) => stream.resume(),
    // gdb has already ended.
    () => undefined,
  );
}

async function interrupt(container: Container): Promise<void> {
  const signal = AbortSignal.timeout(INTERRUPT_TIMEOUT_MS);
  const exec = await container.exec(["sh", INSIDE.gdbStart, "interrupt"], { tty: false, signal });
  exec.stream.resume();
  await exec.exitCode();
}

async function requireStub(ctx: Context, vm: Container, info: ContainerInfo): Promise<void> {
  if (!info.ports.some(isGdbPort)) {
    throw new KdockError("usage", "the VM was started without a gdbserver", {
      hint: "Restart it with `kdock stop`, then `kdock run` without --no-gdb (gdb.enable: true).",
    });
  }
  const why = await whyNoStub(ctx, vm);
  if (why === undefined) return;
  const load = "`modprobe -a nf_tables nft_compat xt_owner` on the engine's machine";
  throw new KdockError("environment", `the VM has no gdbserver, because ${why}`, {
    hint:
      factsOf(info).net === "user"
        ? `Start the VM with --net bridge, or after ${load}.`
        : `Restart the VM after ${load}.`,
  });
}

/** QEMU leaves a second debugger waiting without a response. */
async function requireNoDebugger(ctx: Context, plan: Plan, vm: FoundVm): Promise<void> {
  const ours = plan.names.gdbContainer(factsOf(vm.info).slot.name);
  const engine = await ctx.engine();
  for (const { id, name, running, status } of await engine.listContainers(
    labels("gdb", plan.names.id),
  )) {
    if (name !== ours) continue;
    if (running) {
      throw new KdockError(
        "usage",
        `another debugger is attached to this VM: ${name} (${status})`,
        {
          hint: `Quit it, or end it with \`docker rm -f ${name}\`.`,
        },
      );
    }
    await engine.container(id).remove();
  }
  const client = await stubClient(vm.container);
  if (client === undefined) return;
  throw new KdockError("usage", `another debugger, at ${client}, is connected to this VM`, {
    hint: "Quit it (or let it `disconnect`): the gdbstub serves one at a time.",
  });
}

/** The command history and the user's scripts: copied in for every session, never part of an image. */
async function inputs(ctx: Context, plan: Plan): Promise<TarEntry[]> {
  const { files } = ctx.host;
  const scripts = await Promise.all(
    scriptsInside(plan.gdb.scripts).map(async ({ path, inside }): Promise<TarEntry> => {
      const content = await files.readBytes(path);
      return { path: belowInput(inside), kind: "file", mode: 0o644, content };
    }),
  );
  const history = inProject(ctx, FOLDER.gdbHistory);
  if (!(await files.exists(history))) return scripts;
  const path = belowInput(INSIDE.gdbHistory);
  const content = Buffer.from(await files.readBytes(history));
  return [...scripts, { path, kind: "file", mode: 0o666, content }];
}

/** Saves the command history before the container is removed. Failures are ignored. */
async function keepHistory(ctx: Context, container: Container): Promise<void> {
  try {
    const archive = await container.getArchive(INSIDE.gdbHistory, AbortSignal.timeout(5000));
    await readTar(archive, async (_header, content) => {
      const chunks: Buffer[] = [];
      for await (const chunk of content) chunks.push(Buffer.from(chunk));
      await ctx.host.files.writeAtomic(inProject(ctx, FOLDER.gdbHistory), Buffer.concat(chunks));
    });
  } catch {
    // No history: no command was typed.
  }
}
