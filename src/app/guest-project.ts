import { dirname } from "node:path";
import { configPath } from "./config-file.js";
import type { Engine } from "../engine/engine.js";
import type { QuickEngine } from "../engine/quick-engine.js";
import { KdockError, messageOf } from "../core/errors.js";
import { nodeFiles } from "../host/node-files.js";
import { createTerminal } from "../host/terminal.js";
import { projectNames } from "../core/plan/names.js";
import type { GuestContext } from "../guest/steps/guest-context.js";
import { orAborted } from "../core/or-aborted.js";
import { outputEvents } from "../ui/output-events.js";
import type { Session } from "../core/session.js";

/**
 * What a connection to a running guest needs: the project's name, which follows from its folder, and an engine. Neither
 * kdock.yaml nor kdock's own files are read, so that `kdock exec` takes a tenth of a second.
 */
export async function openGuestContext({
  world,
  globals,
  reporter,
}: Session): Promise<GuestContext> {
  const path = configPath(world, globals);
  if (globals.config !== undefined && !(await nodeFiles.exists(path))) {
    throw new KdockError("config", `there is no file ${globals.config}`, {
      hint: "`kdock init` writes a commented kdock.yaml.",
    });
  }
  const options = {
    env: world.env,
    home: world.home,
    onLeak: (what: string, error: unknown) => {
      reporter.emit({ type: "warning", text: `${what} was not removed: ${messageOf(error)}` });
    },
  };
  let whole: Promise<Engine> | undefined;
  let quick: Promise<QuickEngine> | undefined;
  const engine = () =>
    (whole ??= orAborted(
      world.signal,
      import("../engine/connect.js").then((module) => module.connectEngine(options)),
    ));
  return {
    files: nodeFiles,
    terminal: createTerminal({
      type: world.env["TERM"],
      stdin: world.stdin,
      stdout: world.stdout,
      onExit: world.onExit,
    }),
    reporter,
    stdout: globals.json === true ? outputEvents(reporter, "stdout", world.stdout) : world.stdout,
    stderr: globals.json === true ? outputEvents(reporter, "stderr", world.stdout) : world.stderr,
    stdin: world.stdin,
    signal: world.signal,
    cwd: world.cwd,
    names: projectNames(await nodeFiles.realPath(dirname(path))),
    engine,
    quickEngine: () =>
      (quick ??= orAborted(
        world.signal,
        import("../engine/quick-engine.js").then((module) => module.connectQuickly(options)),
      )),
  };
}
