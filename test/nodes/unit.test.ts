import { execa } from "execa";
import { expect, it } from "vitest";
import { ROOT } from "../support/kdock.js";
import { fetchNode, OTHER_NODES } from "../support/node-versions.js";

it.each(OTHER_NODES)("the unit tests pass on Node.js %d", async (major) => {
  const node = await fetchNode(major);
  try {
    const { stdout } = await execa(node.path, ["--version"]);
    expect(stdout).toMatch(new RegExp(`^v${major}\\.`));
    const vitest = [`${ROOT}node_modules/vitest/vitest.mjs`, "run", "--project", "unit"];
    const { exitCode, all } = await execa(node.path, vitest, {
      ...{ cwd: ROOT, all: true, reject: false },
    });
    expect(exitCode, all).toBe(0);
  } finally {
    await node.remove();
  }
});
