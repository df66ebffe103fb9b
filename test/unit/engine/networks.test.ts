import type Docker from "dockerode";
import { describe, expect, it } from "vitest";
import { DockerEngine } from "../../../src/engine/docker-engine.js";
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

/** What an engine that answers so is asked for. */
async function asked(
  options: NetworkOptions,
  { kind = "docker", status, isThere = false }: Answers = {},
) {
  const bodies: Docker.NetworkCreateOptions[] = [];
  const docker = {
    createNetwork(body: Docker.NetworkCreateOptions) {
      bodies.push(body);
      return status === undefined
        ? Promise.resolve({})
        : Promise.reject(Object.assign(new Error("refused"), { statusCode: status }));
    },
    getNetwork: () => ({
      inspect: () =>
        isThere
          ? Promise.resolve({ Name: "lan" })
          : Promise.reject(Object.assign(new Error("no such network"), { statusCode: 404 })),
    }),
  };
  const engine = new DockerEngine(docker as unknown as Docker, "unix:///x", kind, () => undefined);
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
