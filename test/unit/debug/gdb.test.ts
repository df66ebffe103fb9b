import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));

it("the debugger's Python modules pass their own tests", async () => {
  const argv = ["-m", "unittest", "discover", "-s", "test/gdb"];
  const env = { PYTHONPATH: "images/gdb", PYTHONDONTWRITEBYTECODE: "1" };
  const { exitCode, stderr } = await execa("python3", argv, { cwd: ROOT, env, reject: false });
  expect(exitCode, stderr).toBe(0);
  expect(stderr).toMatch(/Ran [1-9]\d* tests/);
});
