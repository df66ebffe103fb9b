import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import ts from "typescript";
import { expect, it } from "vitest";
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
  "guest-project.ts",
  "engine/quick-engine.ts",
  "steps/dial-guest.ts",
  "steps/exec.ts",
  "steps/copy.ts",
  "plan/exec-request.ts",
])("%s, which kdock exec and cp load, is quick to load", (file) => {
  const loaded = loadedWith(join(ROOT, "src", file));
  const packages = [...loaded].filter((each) => !each.startsWith("/") && !each.startsWith("node:"));
  expect(packages.filter((each) => each !== "commander" && each !== "tar-stream")).toEqual([]);
  expect(loaded.size).toBeGreaterThan(1);
});
