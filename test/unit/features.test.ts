import { describe, expect, it } from "vitest";
import type { Kdock } from "../../src/app/kdock.js";
import { COMMAND_NAMES, FEATURE_GROUPS, FEATURES } from "../../src/features.js";
import { type FeatureTable } from "../../src/app/feature.js";

const KDOCK = {} as Kdock;

function itDefinesEach(table: FeatureTable): void {
  it.each(Object.entries(table))("%s is the command of its row", async (name, load) => {
    const { define } = await load();
    expect(define(KDOCK).name()).toBe(name);
  });
}

describe("FEATURES", () => {
  itDefinesEach(
    Object.fromEntries(Object.entries(FEATURES).map(([name, { load }]) => [name, load])),
  );

  it.each(Object.entries(FEATURES))("%s has one line in --help", (_name, { summary }) => {
    expect(summary).toMatch(/^\S.{0,59}$/);
  });

  it("holds each command in one group", () => {
    const rows = Object.values(FEATURE_GROUPS).flatMap((group) => Object.keys(group));
    expect(rows).toEqual([...COMMAND_NAMES]);
    expect(new Set(rows).size).toBe(rows.length);
  });
});

describe.each(["config", "kernels", "module", "net", "source"])("PARTS of %s", async (name) => {
  const { PARTS = {} } = (await FEATURES[name]?.load()) ?? {};
  itDefinesEach(PARTS);
});
