import { describe, expect, it } from "vitest";
import { hostNetContainer } from "../../../../src/vm/plan/host-net-plan.js";
import { projectNames } from "../../../../src/core/plan/names.js";

const names = projectNames("/home/ada/lab");
const serve = { kind: "serve", gateway: "10.0.3.1/24" } as const;

describe("hostNetContainer", () => {
  it("has the host's network, one capability for it, and never a host path", () => {
    const spec = hostNetContainer(names, "kdock/vm:1", serve);
    expect(spec).toMatchObject({
      network: "host",
      command: ["serve", "/host"],
      capDrop: ["ALL"],
      mounts: [{ volume: names.hostVolume, target: "/host", readOnly: false }],
      restartOnFailure: true,
    });
    expect(spec.privileged).toBe(false);
    expect(spec.capAdd).toContain("NET_ADMIN");
    expect(spec.capAdd).not.toContain("SYS_ADMIN");
    expect(spec.hostPaths ?? []).toEqual([]);
    expect(spec.ports).toEqual([]);
  });

  it("knows its own bridge by an address that no other project's has", () => {
    const mac = (folder: string) =>
      hostNetContainer(projectNames(folder), "kdock/vm:1", serve).env["KDOCK_BRIDGE_MAC"];
    expect(mac("/home/ada/lab")).toMatch(/^52:54:00(:[\da-f]{2}){3}$/);
    expect(mac("/home/ada/lab")).not.toBe(mac("/home/ada/other"));
  });

  it("takes away what another has left on any machine, once", () => {
    const spec = hostNetContainer(names, "kdock/vm:1", { kind: "clean" });
    expect(spec.command).toEqual(["clean", "/host"]);
    expect(spec.restartOnFailure).toBe(false);
    expect(spec.devices).toEqual([]);
  });
});
