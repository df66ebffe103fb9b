import { describe, expect, it } from "vitest";
import type { QuickEngine } from "../../../../src/engine/quick-engine.js";
import { LABEL } from "../../../../src/core/plan/names.js";
import { dialGuest } from "../../../../src/guest/steps/dial-guest.js";
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

const dialled = async (names: readonly string[], wanted?: string) =>
  (await dialGuest(context(...names), wanted)).vm.name;

describe("dialGuest", () => {
  it("calls the VM that is named, else the only one", async () => {
    expect(await dialled(["a", "b"], "b")).toBe("b");
    expect(await dialled(["a"])).toBe("a");
    await expect(dialled(["a", "b"])).rejects.toThrow(/several VMs: a .*, b /);
    await expect(dialled(["a", "b"], "c")).rejects.toThrow("this project has no VM c");
  });

  it("takes vm for whichever runs, unless one is called that", async () => {
    expect(await dialled(["a"], "vm")).toBe("a");
    expect(await dialled(["a"], "VM")).toBe("a");
    expect(await dialled(["b", "vm"], "vm")).toBe("vm");
    await expect(dialled(["a", "b"], "vm")).rejects.toThrow("several VMs");
  });
});
