import { execa } from "execa";
import { expect, it } from "vitest";
import { CLI } from "../support/kdock.js";
import { LAB } from "../support/lab.js";
import { fetchNode, OTHER_NODES } from "../support/node-versions.js";

/** `npm run test:nodes` runs the unit tests on these versions. */
it.each(OTHER_NODES)("boots a guest and runs a command in it on Node.js %d", async (major) => {
  const node = await fetchNode(major);
  try {
    const { stdout, stderr, exitCode } = await execa(
      ...([node.path, [CLI, "run", "--gdb", "0", "--", "sh", "-c", "uname -s; exit 7"]] as const),
      { cwd: LAB, env: { KDOCK_TRUST: "1" }, reject: false, stdin: "ignore" },
    );
    expect({ stdout, exitCode }, stderr).toEqual({ stdout: "Linux", exitCode: 7 });
    // No warnings of that version, such as deprecations.
    expect(stderr).not.toMatch(/Warning|deprecated/i);
  } finally {
    await node.remove();
  }
});
