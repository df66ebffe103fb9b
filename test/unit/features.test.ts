import { describe, expect, it } from "vitest";
import type { Kdock } from "../../src/app/kdock.js";
import { FEATURES } from "../../src/features.js";
import { type FeatureTable } from "../../src/app/feature.js";

const KDOCK = {} as Kdock;

function itDefinesEach(table: FeatureTable): void {
  it.each(Object.entries(table))("%s is the command of its row", async (name, load) => {
    const { define } = await load();
    expect(define(KDOCK).name()).toBe(name);
  });
}

describe("FEATURES", () => {
  itDefinesEach(FEATURES);
});

describe.each(["config", "kernels", "module", "net", "source"])("PARTS of %s", async (name) => {
  const { PARTS = {} } = (await FEATURES[name]?.()) ?? {};
  itDefinesEach(PARTS);
});
