import { describe, expect, it } from "vitest";
import type { QuickEngine } from "../../../../src/engine/quick-engine.js";
import { LABEL } from "../../../../src/core/plan/names.js";
import { findGuest } from "../../../../src/guest/steps/find-guest.js";
import type { GuestContext } from "../../../../src/guest/steps/guest-context.js";
import { plan } from "../../fixtures.js";

/** With VMs of those names, all running. */
function context(...names: readonly string[]): GuestContext {
  const vms = names.map((name) => ({
    ...{ id: name, running: true, status: "Up 3 minutes" },
    labels: { [LABEL.vm]: JSON.stringify({ slot: { name, index: 0 } }) },
  }));
  const engine = {
    findContainers: () => Promise.resolve(vms),
    container: () => ({ exec: () => Promise.reject(new Error("no line")) }),
  };
  return {
    names: plan().names,
    quickEngine: () => Promise.resolve(engine as unknown as QuickEngine),
  } as unknown as GuestContext;
}

const found = async (names: readonly string[], wanted?: string) =>
  (await findGuest(context(...names), wanted)).name;

describe("findGuest", () => {
  it("finds the VM that is named, else the only one", async () => {
    expect(await found(["a", "b"], "b")).toBe("b");
    expect(await found(["a"])).toBe("a");
    await expect(found(["a", "b"])).rejects.toThrow(/several VMs: a .*, b /);
    await expect(found(["a", "b"], "c")).rejects.toThrow("this project has no VM c");
  });

  it("takes vm for the one that runs, unless one is called that", async () => {
    expect(await found(["a"], "vm")).toBe("a");
    expect(await found(["a"], "VM")).toBe("a");
    expect(await found(["b", "vm"], "vm")).toBe("vm");
    await expect(found(["a", "b"], "vm")).rejects.toThrow("several VMs");
  });
});
