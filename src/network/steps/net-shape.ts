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

/** What is done to frames on their way to a guest. */
export interface Shape {
  /** The kernel's tc-netem(8), or images/vm/shape.pl. */
  readonly by: "netem" | "stand-in";
  readonly words: string;
}

export interface ShapeResult {
  readonly vm: string;
  /** null when frames pass as they come. */
  readonly shape: Shape | null;
}

export interface ShapeRequest {
  readonly vm: string | undefined;
  readonly words: readonly string[];
}

const OFF = "off";

/**
 * `words` are netem's, "off", or nothing: then what is in force is only told. Without `vm` a VM's name may come first. Rejects with a `usage` error, tc's message in it, for words that it does not take; what was in force stays.
 */
export async function shapeNet(
  { ctx, plan }: Project,
  request: ShapeRequest,
): Promise<ShapeResult> {
  const { vm: wanted, words } = await chosen(ctx, plan.names.id, request);
  const { container, info } = await findRunningVm(ctx, plan, wanted);
  const vm = factsOf(info).slot.name;
  if (words.length === 1 && words[0] === OFF) check(await script(ctx, container, ["off"]));
  else if (words.length > 0) await put(ctx, container, words);
  return { vm, shape: await shapeOf(ctx, container) };
}

async function chosen(ctx: Context, project: string, { vm, words: typed }: ShapeRequest) {
  if (vm !== undefined) return { vm, words: split(typed) };
  const [first = "", ...others] = typed;
  const engine = await ctx.engine();
  const vms = await engine.listContainers(labels("vm", project));
  const isVm = namesOf(vms).includes(first);
  const isWord = first === OFF || /\s/.test(first) || netemKeyword(first) !== undefined;
  // What is neither is a VM's name with a slip in it, or a VM that is not there.
  return isVm || (first !== "" && !isWord)
    ? { vm: first, words: split(others) }
    : { vm: undefined, words: split(typed) };
}

function split(typed: readonly string[]): string[] {
  return typed.flatMap((part) => part.split(/\s+/)).filter((word) => word !== "");
}

/** What is in force; null when nothing is. */
export async function shapeOf(ctx: Context, container: Container): Promise<Shape | null> {
  const { stdout } = check(await script(ctx, container, ["show"]));
  const [, by, words = ""] = /^(netem|stand-in) (.*)$/m.exec(stdout) ?? [];
  return by === undefined ? null : { by: by as Shape["by"], words };
}

async function put(ctx: Context, container: Container, words: readonly string[]): Promise<void> {
  const tried = await script(ctx, container, ["tc", ...words]);
  if (tried.exitCode === SHAPE_EXIT.refused) throw refused(tried.stderr);
  if (tried.exitCode !== SHAPE_EXIT.noNetem) {
    check(tried);
    return;
  }
  const netem = parseNetem(words);
  if (netem.kind === "unsupported") {
    throw new KdockError(
      "environment",
      `${netem.words.join(", ")}: needs the kernel's netem, and the kernel of the engine's machine has none (sch_netem)`,
      { hint: `${GET_NETEM} kdock's stand-in knows ${KNOWN}.` },
    );
  }
  ctx.reporter.emit({
    type: "notice",
    text: `the kernel of the engine's machine has no sch_netem: kdock's stand-in does it. ${GET_NETEM}`,
  });
  await standIn(ctx, container, netemLines(netem.rules, words.join(" ")));
}

const GET_NETEM =
  "As root there, `modprobe sch_netem` loads it; Ubuntu has it in linux-modules-extra-$(uname -r), Debian in its usual kernel, not in the cloud one.";

const KNOWN =
  "delay with jitter (normal, uniform), loss, duplicate, corrupt, reorder, gap, rate and limit";

/** The program goes on when we have gone: the VM's end is its end. */
async function standIn(ctx: Context, container: Container, lines: string): Promise<void> {
  const command = ["sh", INSIDE.shapeScript, "stand-in"];
  const exec = await container.exec(command, { tty: false, signal: ctx.signal });
  try {
    exec.stream.write(lines);
    let said = "";
    const complaint = (async () => {
      for await (const line of linesOf(exec.stderr)) said += `${line}\n`;
    })();
    complaint.catch(() => undefined);
    for await (const line of linesOf(exec.stream)) if (line === "ok") return;
    await complaint;
    throw failed(said);
  } finally {
    exec.stream.destroy();
  }
}

function script(ctx: Context, container: Container, args: readonly string[]) {
  return runInside(container, ["sh", INSIDE.shapeScript, ...args], { signal: ctx.signal });
}

function check(outcome: InsideOutcome): InsideOutcome {
  if (outcome.exitCode === 0) return outcome;
  const said = outcome.stderr.trim();
  if (outcome.exitCode === SHAPE_EXIT.noTap) {
    throw new KdockError("vm", said, { hint: "Shaping needs `vm.net.mode: bridge`." });
  }
  throw failed(said);
}

function failed(said: string): KdockError {
  const isOld = said.includes("cannot open");
  return new KdockError("vm", `the guest's network could not be shaped: ${said.trim()}`, {
    hint: isOld
      ? "This VM was started by an older kdock: `kdock stop`, then `kdock run`."
      : "`kdock net check` looks at the network; `kdock stop` and `kdock run` make it anew.",
  });
}

function refused(said: string): KdockError {
  const [first = ""] = said.split("\n").filter((line) => line.trim() !== "");
  return new KdockError("usage", `tc says: ${first.trim()}`, {
    hint: `Like this: \`${NETEM_EXAMPLE}\`; the words are those of tc-netem(8).`,
  });
}
