import { expect, it } from "vitest";
import { treePaths } from "../../../../src/build/plan/debugger-plan.js";
import { plan } from "../../fixtures.js";

it("treePaths has the local tree for the kernel built from it only", () => {
  const tree = { folder: "/home/ada/linux", version: "6.12.30", transport: "mount" } as const;
  const { kernel } = plan("kernel: { source: 'path:../linux' }", { user: { tree } });
  expect(treePaths(kernel, kernel.key)).toContainEqual(
    expect.objectContaining({ path: "/home/ada/linux", target: "/src", readOnly: true }),
  );
  expect(treePaths(kernel, "0123456789abcdef")).toEqual([]);
});

it("treePaths is empty for a kernel with its source in a volume", () => {
  const { kernel } = plan();
  expect(treePaths(kernel, kernel.key)).toEqual([]);
});
