import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { describe, expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));

describe("images/gdb/kdock", () => {
  it("passes its Python unit tests", async () => {
    const argv = ["-m", "unittest", "discover", "-s", "test/gdb"];
    const env = { PYTHONPATH: "images/gdb", PYTHONDONTWRITEBYTECODE: "1" };
    const { exitCode, stderr } = await execa("python3", argv, { cwd: ROOT, env, reject: false });
    expect(exitCode, stderr).toBe(0);
    expect(stderr).toMatch(/Ran [1-9]\d* tests/);
  });
});
