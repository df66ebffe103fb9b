import { packTar } from "../../archive/tar.js";
import { settingNames, withLastFragment, withSettings } from "../../config/edit.js";
import type { Container } from "../../engine/engine.js";
import { KdockError } from "../../core/errors.js";
import { newFragment } from "../plan/config-fragment.js";
import { configBuild, menuContainer, type MenuTool, requestsOf } from "../plan/config-question.js";
import { hostPath } from "../../core/plan/host-path.js";
import { requestedConfig } from "../../core/plan/kconfig.js";
import { bytesOfText } from "../../core/plan/loose-text.js";
import { INSIDE } from "../../core/plan/names.js";
import type { Project } from "../../build/project.js";
import { attachProgram } from "../../core/steps/attach-program.js";
import { ensureImage } from "../../build/steps/builder-image.js";
import { outputTexts } from "./config-ask.js";
import { type Context, projectMutex } from "../../core/steps/context.js";
import { ensureLocked } from "../../build/steps/lock.js";
import { readLooseText } from "../../core/steps/read-loose-text.js";
import { fetchSource, inputFiles } from "../../build/steps/run-build.js";
import { runStep } from "../../core/steps/run-step.js";

export interface MenuRequest {
  readonly tool: MenuTool;
  /** The fragment's path for kernel.fragments. */
  readonly fragment: string;
  /** kdock.yaml; absolute. */
  readonly path: string;
}

export interface MenuResult {
  readonly saved: boolean;
  /** The requests after saving. */
  readonly requests: Readonly<Record<string, string>>;
  /** Those of them that were in kernel.set of kdock.yaml, and were changed there. */
  readonly set: readonly string[];
  /** Lines of the saved .config that no request can set. */
  readonly lost: readonly string[];
  readonly madeConfig: boolean;
}

/** Exit code of a menu after SIGINT; 0 otherwise, saved or not. */
const INTERRUPTED = 130;

/** Runs a menu on the terminal; saved changes become a fragment of the project. */
export async function configMenu(project: Project, request: MenuRequest): Promise<MenuResult> {
  const { ctx } = project;
  if (!ctx.terminal.isInteractive) {
    throw new KdockError("usage", "the menu needs a terminal", {
      hint: "Without one: `kdock config set OPTION=y`, or a fragment in kernel.fragments.",
    });
  }
  const ready = await prepared(project);
  const files = await runMenu(ready, request);
  const fragment = files.get("fragment.config");
  if (fragment === undefined) return NOTHING;
  return await save(ready, request, {
    requests: requestsOf(fragment),
    config: files.get("config") ?? "",
    lost: (files.get("lost.config") ?? "").split("\n").filter(Boolean),
  });
}

const NOTHING: MenuResult = { saved: false, requests: {}, set: [], lost: [], madeConfig: false };

/** Provides image and source, as for a build, and releases the project's lock. */
async function prepared(project: Project): Promise<Project> {
  const { ctx } = project;
  await using _mutex = await projectMutex(ctx);
  const locked = await ensureLocked(project);
  const { kernel } = locked.plan;
  await ensureImage(ctx, kernel.image, { noCache: false });
  await runStep(ctx, "source", `source of ${kernel.title}`, async (log) => {
    await fetchSource(ctx, kernel, log);
    return { value: undefined, cached: false };
  });
  return locked;
}

async function runMenu(
  { ctx, plan, user, config }: Project,
  { tool, fragment }: MenuRequest,
): Promise<ReadonlyMap<string, string>> {
  const others = user.kernelFragments.filter(({ name }) => name !== fragment);
  const build = configBuild(plan.kernel, ["menu"], {
    "others.config": requestedConfig(others, config.kernel.set),
  });
  const term = ctx.terminal.type;
  const spec = menuContainer(build, plan.names, { tool, term });
  const engine = await ctx.engine();
  for (const { id, name, running } of await engine.listContainers(spec.labels)) {
    if (name !== spec.name) continue;
    if (running) {
      throw new KdockError("usage", "another `kdock config menu` of this project is open", {
        hint: `Leave it first, or end it with \`docker rm -f ${name}\`.`,
      });
    }
    await engine.container(id).remove();
  }
  await using container = await engine.createContainer(spec, ctx.signal);
  await container.putArchive(INSIDE.input, packTar(inputFiles(build)));
  const stream = await container.attach();
  const exit = container.wait(ctx.signal);
  exit.catch(() => undefined);
  await container.start();
  endMenuIfKilled(ctx, container);
  const resize = (size: { rows: number; columns: number }) => container.resize(size);
  const exitCode = await attachProgram(ctx, { stream, exit, resize }, "\n");
  stream.destroy();
  if (exitCode === INTERRUPTED) {
    throw new KdockError("interrupted", `${tool} was interrupted: nothing was saved`);
  }
  if (exitCode !== 0) {
    throw new KdockError("build", `${tool} ended with exit code ${exitCode}`, {
      hint: "See its output above; nothing was saved.",
    });
  }
  return await outputTexts(ctx, container);
}

/** Ends the menu if this process is killed: the engine closes a command's stdin with its connection. */
function endMenuIfKilled(ctx: Context, container: Pick<Container, "exec">): void {
  const command = ["sh", "-c", "cat > /dev/null; kill -KILL -1"];
  container.exec(command, { tty: false, signal: ctx.signal }).then(
    ({ stream }) => stream.on("error", () => undefined).resume(),
    // The menu may have ended.
    () => undefined,
  );
}

/** Options in kernel.set are changed there, because it overrides all fragments. */
async function save(
  { ctx }: Project,
  { fragment, path }: MenuRequest,
  made: Pick<MenuResult, "requests" | "lost"> & { readonly config: string },
): Promise<MenuResult> {
  const { files } = ctx.host;
  const fragmentPath = hostPath(ctx.folder, fragment);
  const text = await files.readText(path);
  const inSet = new Set<string>(settingNames(text ?? ""));
  const entries = Object.entries(made.requests);
  const set = Object.fromEntries(entries.filter(([name]) => inSet.has(name)));
  const rest = Object.fromEntries(entries.filter(([name]) => !inSet.has(name)));
  const before = await readLooseText(files, fragmentPath);
  const edited = withLastFragment(withSettings(text ?? "", set), fragment);
  ctx.signal.throwIfAborted();
  await files.writeAtomic(fragmentPath, bytesOfText(newFragment(before, rest, made.config)));
  if (edited !== text) await files.writeAtomic(path, edited);
  return {
    saved: true,
    requests: made.requests,
    set: Object.keys(set),
    lost: made.lost,
    madeConfig: text === undefined,
  };
}
