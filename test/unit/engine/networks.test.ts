import type Docker from "dockerode";
import { describe, expect, it } from "vitest";
import { DockerEngine } from "../../../src/engine/docker-engine.js";
import type { Call, EngineClient } from "../../../src/engine/client.js";
import { EngineRefusal } from "../../../src/engine/engine-error.js";
import { networkInfos } from "../../../src/engine/engine-json.js";
import type { NetworkOptions } from "../../../src/engine/engine.js";
import type { EngineKind } from "../../../src/engine/podman.js";

interface Answers {
  readonly kind?: EngineKind;
  /** Of every request to make a network; it is made unless given. */
  readonly status?: number;
  /** Whether there is one of the name. */
  readonly isThere?: boolean;
}

const refused = (status: number) => Promise.reject(new EngineRefusal(status, "no"));

/** What an engine that answers so is asked for. */
async function asked(
  options: NetworkOptions,
  { kind = "docker", status, isThere = false }: Answers = {},
) {
  const bodies: Docker.NetworkCreateOptions[] = [];
  const client = {
    call({ method, json }: Call) {
      if (method === "GET") return isThere ? Promise.resolve({ Name: "lan" }) : refused(404);
      bodies.push(json as Docker.NetworkCreateOptions);
      return status === undefined ? Promise.resolve({}) : refused(status);
    },
  };
  const found = { client: client as unknown as EngineClient, kind, endpoint: "unix:///x" };
  const engine = new DockerEngine(found, () => undefined);
  await engine.ensureNetwork("lan", { role: "lan" }, options);
  return bodies.map(({ Options, Internal }) => ({ Options, Internal }));
}

const PREFIX = { "com.docker.network.container_iface_prefix": "lan" };
const ISOLATED = {
  "com.docker.network.bridge.inhibit_ipv4": "true",
  "com.docker.network.bridge.enable_ip_masquerade": "false",
};
const MTU = { "com.docker.network.driver.mtu": "1400" };
const LAN = { prefix: "lan", mtu: 1400, isolated: true };
describe("a network", () => {
  it("that is isolated gives the engine's host no address, and no way out", async () => {
    expect(await asked(LAN)).toEqual([
      { Options: { ...MTU, ...PREFIX, ...ISOLATED }, Internal: undefined },
    ]);
  });

  it("that is isolated is internal on Podman, which has no such options", async () => {
    expect(await asked(LAN, { kind: "podman" })).toEqual([{ Options: MTU, Internal: true }]);
    expect(await asked({ mtu: 1400 }, { kind: "podman" })).toEqual([
      { Options: MTU, Internal: undefined },
    ]);
  });

  it.each([
    ["Docker", "docker", 409],
    ["Podman 4.3", "podman", 500],
  ] as const)("that is there is not made again: %s", async (_engine, kind, status) => {
    expect(await asked(LAN, { kind, status, isThere: true })).toHaveLength(1);
  });

  it("that cannot be made is an error", async () => {
    await expect(asked(LAN, { status: 500 })).rejects.toMatchObject({ code: "engine" });
  });

  it.each([
    ["an older kdock's", { Options: PREFIX }, false],
    ["one with an address of the host", { Options: { ...PREFIX, ...MTU } }, false],
    ["a plain one", { Options: null }, false],
    ["an isolated one", { Options: { ...PREFIX, ...ISOLATED } }, true],
    ["an internal one", { Internal: true, Options: {} }, true],
  ])("is known for what it is: %s", (_what, network, isolated) => {
    const [info] = networkInfos([{ Id: "1", Name: "lan", Labels: {}, IPAM: null, ...network }]);
    expect(info?.isolated).toBe(isolated);
  });
});
