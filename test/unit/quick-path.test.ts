import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import ts from "typescript";
import { expect, it } from "vitest";
import { COMMAND_NAMES } from "../../src/features.js";
import { ROOT } from "../support/kdock.js";

const OPTIONS = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 };

/** Every module that is loaded with one, by its static imports; packages by their names. */
function loadedWith(path: string, seen = new Set<string>()): Set<string> {
  if (seen.has(path)) return seen;
  seen.add(path);
  // Without the imports of types, which are gone when it runs.
  const { outputText } = ts.transpileModule(readFileSync(path, "utf8"), {
    compilerOptions: OPTIONS,
  });
  for (const [, what = ""] of outputText.matchAll(/^(?:import|export [{*])[^;"]*"([^"]+)";/gm)) {
    if (!what.startsWith(".")) seen.add(what);
    else loadedWith(resolve(path, "..", what.replace(/\.js$/, ".ts")), seen);
  }
  return seen;
}

it.each([
  "main.ts",
  "completion/plan/wanted.ts",
  "completion/steps/names.ts",
  "app/kdock.ts",
  "app/guest-project.ts",
  "engine/quick-engine.ts",
  "guest/steps/find-guest.ts",
  "guest/steps/wait-for-guest.ts",
  "vm/agent/session.ts",
  "guest/steps/exec.ts",
  "guest/steps/copy.ts",
  "guest/plan/exec-request.ts",
])("%s, which kdock exec, cp and completion load, is quick to load", (file) => {
  const loaded = loadedWith(join(ROOT, "src", file));
  expect(
    packagesOf(loaded).filter((each) => each !== "commander" && each !== "tar-stream"),
  ).toEqual([]);
  expect(loaded.size).toBeGreaterThan(1);
});

const COMMANDS = readdirSync(join(ROOT, "src"), { recursive: true, encoding: "utf8" }).filter(
  (file) => /^\w+\/commands\/.*\.ts$/.test(file),
);

it("finds the files of all commands", () => {
  expect(COMMANDS.length).toBeGreaterThan(COMMAND_NAMES.length);
});

it.each(["features.ts", ...COMMANDS])("%s loads no package but commander", (file) => {
  const loaded = loadedWith(join(ROOT, "src", file));
  expect(packagesOf(loaded).filter((each) => each !== "commander")).toEqual([]);
});

function packagesOf(loaded: ReadonlySet<string>): string[] {
  return [...loaded].filter((each) => !each.startsWith("/") && !each.startsWith("node:"));
}
