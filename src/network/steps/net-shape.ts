import type { Container } from "../../engine/engine.js";
import { KdockError } from "../../core/errors.js";
import { INSIDE, labels } from "../../core/plan/names.js";
import { SHAPE_EXIT } from "../../core/plan/script-exits.js";
import { NETEM_EXAMPLE, netemKeyword, netemLines, parseNetem } from "../plan/netem.js";
import type { Project } from "../../build/project.js";
import { factsOf, namesOf } from "../../vm/steps/choose-vm.js";
import type { Context } from "../../core/steps/context.js";
import { linesOf } from "../../core/steps/lines.js";
import { type InsideOutcome, runInside } from "../../core/steps/run-inside.js";
import { findRunningVm } from "../../vm/steps/vms.js";

/** Shaping of frames to a guest. */
export interface Shape {
  /** The kernel's tc-netem(8), or images/vm/shape.pl. */
  readonly by: "netem" | "stand-in";
  readonly words: string;
}

export interface ShapeResult {
  readonly vm: string;
  /** null without shaping. */
  readonly shape: Shape | null;
}

export interface ShapeRequest {
  readonly vm: string | undefined;
  readonly words: readonly string[];
}

const OFF = "off";

/**
 * `words`: netem's parameters or "off"; if empty, nothing is changed. Without `vm` a VM's name may come first. Returns the
 * effective shaping. Rejects with a `usage` error that has tc's message for invalid parameters; the previous shaping is
 * kept then.
 */
export async function shapeNet(
  { ctx, plan }: Project,
  request: ShapeRequest,
): Promise<ShapeResult> {
  const { vm: wanted, words } = await chosen(ctx, plan.names.id, request);
  const { container, info } = await findRunningVm(ctx, plan, wanted);
  const vm = factsOf(info).slot.name;
  if (words.length === 1 && words[0] === OFF) check(await script(ctx, container, ["off"]));
  else if (words.length > 0) await applyShape(ctx, container, words);
  return { vm, shape: await shapeOf(ctx, container) };
}

/** Splits off a VM's name. */
async function chosen(ctx: Context, project: string, { vm, words: typed }: ShapeRequest) {
  if (vm !== undefined) return { vm, words: split(typed) };
  const [first = "", ...others] = typed;
  const engine = await ctx.engine();
  const vms = await engine.listContainers(labels("vm", project));
  const isVm = namesOf(vms).includes(first);
  const isWord = first === OFF || /\s/.test(first) || netemKeyword(first) !== undefined;
  // A word that is neither a VM nor a parameter is taken as the name of a missing VM.
  return isVm || (first !== "" && !isWord)
    ? { vm: first, words: split(others) }
    : { vm: undefined, words: split(typed) };
}

function split(typed: readonly string[]): string[] {
  return typed.flatMap((part) => part.split(/\s+/)).filter((word) => word !== "");
}

/** The effective shaping; null for none. */
export async function shapeOf(ctx: Context, container: Container): Promise<Shape | null> {
  const { stdout } = check(await script(ctx, container, ["show"]));
  const [, by, words = ""] = /^(netem|stand-in) (.*)$/m.exec(stdout) ?? [];
  return by === undefined ? null : { by: by as Shape["by"], words };
}

async function applyShape(
  ctx: Context,
  container: Container,
  words: readonly string[],
): Promise<void> {
  const outcome = await script(ctx, container, ["tc", ...words]);
  if (outcome.exitCode === SHAPE_EXIT.refused) throw invalidWords(outcome.stderr);
  if (outcome.exitCode !== SHAPE_EXIT.noNetem) {
    check(outcome);
    return;
  }
  const netem = parseNetem(words);
  if (netem.kind === "unsupported") {
    throw new KdockError(
      "environment",
      `${netem.words.join(", ")}: needs sch_netem, which the kernel of the engine's machine does not have`,
      { hint: `${GET_NETEM} kdock's stand-in supports ${SUPPORTED}.` },
    );
  }
  ctx.reporter.emit({
    type: "notice",
    text: `the kernel of the engine's machine has no sch_netem: using kdock's stand-in. ${GET_NETEM}`,
  });
  await startStandIn(ctx, container, netemLines(netem.rules, words.join(" ")));
}

const GET_NETEM =
  "As root there, `modprobe sch_netem` loads it; Ubuntu has it in linux-modules-extra-$(uname -r), Debian in its usual kernel, not in the cloud one.";

const SUPPORTED =
  "delay with jitter (normal, uniform), loss, duplicate, corrupt, reorder, gap, rate and limit";

/** Resolves when images/vm/shape.pl is active; it keeps running until the VM ends. */
async function startStandIn(ctx: Context, container: Container, lines: string): Promise<void> {
  const command = ["sh", INSIDE.shapeScript, "stand-in"];
  const exec = await container.exec(command, { tty: false, signal: ctx.signal });
  try {
    exec.stream.write(lines);
    let stderr = "";
    const stderrRead = (async () => {
      for await (const line of linesOf(exec.stderr)) stderr += `${line}\n`;
    })();
    stderrRead.catch(() => undefined);
    for await (const line of linesOf(exec.stream)) if (line === "ok") return;
    await stderrRead;
    throw shapeError(stderr);
  } finally {
    exec.stream.destroy();
  }
}

function script(ctx: Context, container: Container, args: readonly string[]) {
  return runInside(container, ["sh", INSIDE.shapeScript, ...args], { signal: ctx.signal });
}

function check(outcome: InsideOutcome): InsideOutcome {
  if (outcome.exitCode === 0) return outcome;
  const message = outcome.stderr.trim();
  if (outcome.exitCode === SHAPE_EXIT.noTap) {
    throw new KdockError("vm", message, { hint: "Shaping needs `vm.net.mode: bridge`." });
  }
  throw shapeError(message);
}

function shapeError(message: string): KdockError {
  const lacksScript = message.includes("cannot open");
  return new KdockError("vm", `the guest's network could not be shaped: ${message.trim()}`, {
    hint: lacksScript
      ? "An older kdock started this VM: restart it with `kdock stop`, then `kdock run`."
      : "`kdock net check` checks the network; `kdock stop` and `kdock run` create it again.",
  });
}

function invalidWords(stderr: string): KdockError {
  const [first = ""] = stderr.split("\n").filter((line) => line.trim() !== "");
  return new KdockError("usage", `tc: ${first.trim()}`, {
    hint: `Use the parameters of tc-netem(8), for example \`${NETEM_EXAMPLE}\`.`,
  });
}
