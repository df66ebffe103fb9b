import { expect, it } from "vitest";
import { createNodeHost } from "../../../../src/host/node-host.js";
import { readAssets } from "../../../../src/app/project.js";

/** Podman 4.3 removes the folders that a RUN mounts on. */
it("a RUN mounts on no folder that a container of the image uses", async () => {
  const assets = await readAssets(createNodeHost({ env: {} }).files);
  const dockerfiles = [...assets].filter(([path]) => path.includes("Dockerfile"));
  expect(dockerfiles.map(([path]) => path)).toContain("Dockerfile.kernel");
  const needed = /target=(\/tmp|\/run|\/var\/tmp|\/home|\/root)\b/;
  for (const [path, { content }] of dockerfiles) {
    expect(Buffer.from(content).toString(), path).not.toMatch(needed);
  }
});
