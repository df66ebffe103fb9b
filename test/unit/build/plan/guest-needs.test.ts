import { expect, it } from "vitest";
import {
  idleProcessors,
  missingOptions,
  NEEDS,
  requireOptions,
} from "../../../../src/build/plan/guest-needs.js";

const CONFIG = [
  "CONFIG_BLOCK=y",
  "CONFIG_BLK_DEV=y",
  "CONFIG_VIRTIO_BLK=m",
  "# CONFIG_NUMA is not set",
  "CONFIG_SMP=y",
  "CONFIG_NUMA_BALANCING=y",
].join("\n");

it("missingOptions accepts built-in options only, not modules", () => {
  expect(missingOptions(CONFIG, NEEDS.disk)).toEqual(["CONFIG_VIRTIO_BLK"]);
  expect(missingOptions(CONFIG, NEEDS.numa)).toEqual(["CONFIG_NUMA"]);
  expect(missingOptions(CONFIG, ["CONFIG_SMP"])).toEqual([]);
  expect(missingOptions("", ["CONFIG_SMP"])).toEqual(["CONFIG_SMP"]);
});

it("requireOptions names missing options, with a hint", () => {
  expect(() => {
    requireOptions(CONFIG, "--disk", NEEDS.disk);
  }).toThrow(
    expect.objectContaining({
      message: "--disk needs CONFIG_VIRTIO_BLK=y, which this kernel is built without",
      hint: expect.stringContaining("--set CONFIG_VIRTIO_BLK=y") as unknown,
    }) as Error,
  );
});

it.each([
  ["CONFIG_SMP=y\nCONFIG_NR_CPUS=2\n", 2, undefined],
  ["CONFIG_SMP=y\nCONFIG_NR_CPUS=2\n", 3, /for 2 processors.* rest of 3; --set CONFIG_NR_CPUS=3 /],
  ["# CONFIG_SMP is not set\n", 1, undefined],
  [
    "# CONFIG_SMP is not set\n",
    2,
    /for 1 processor at .*; --set CONFIG_SMP=y --set CONFIG_NR_CPUS=2/,
  ],
])("idleProcessors of %j with %i processors", (options, cpus, message) => {
  const text = idleProcessors(options, cpus);
  if (message === undefined) expect(text).toBeUndefined();
  else expect(text).toMatch(message);
});
