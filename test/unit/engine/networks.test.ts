import type Docker from "dockerode";
import { describe, expect, it } from "vitest";
import { DockerEngine } from "../../../src/engine/docker-engine.js";
import { networkInfos } from "../../../src/engine/engine-json.js";
import type { NetworkOptions } from "../../../src/engine/engine.js";

/** What an engine is asked for that refuses what `refuse` gives an HTTP status for. */
async function asked(
  options: NetworkOptions,
  refuse: (body: Docker.NetworkCreateOptions) => number | undefined = () => undefined,
  isThere = false,
) {
  const bodies: Docker.NetworkCreateOptions[] = [];
  const docker = {
    createNetwork(body: Docker.NetworkCreateOptions) {
      bodies.push(body);
      const statusCode = refuse(body);
      return statusCode === undefined
        ? Promise.resolve({})
        : Promise.reject(Object.assign(new Error("refused"), { statusCode }));
    },
    getNetwork: () => ({
      inspect: () =>
        isThere
          ? Promise.resolve({ Name: "lan" })
          : Promise.reject(Object.assign(new Error("no such network"), { statusCode: 404 })),
    }),
  };
  const engine = new DockerEngine(
    docker as unknown as Docker,
    "unix:///x",
    "docker",
    () => undefined,
  );
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
/** As Podman does. */
const knowsMtuAlone = ({ Options = {} }: Docker.NetworkCreateOptions) =>
  Object.keys(Options).some((option) => !(option in MTU)) ? 500 : undefined;

describe("a network", () => {
  it("that is isolated gives the engine's host no address, and no way out", async () => {
    expect(await asked(LAN)).toEqual([
      { Options: { ...MTU, ...PREFIX, ...ISOLATED }, Internal: undefined },
    ]);
  });

  it("is internal where the engine knows no such options", async () => {
    expect(await asked(LAN, knowsMtuAlone)).toMatchObject([
      { Options: { ...MTU, ...PREFIX, ...ISOLATED } },
      { Options: MTU, Internal: true },
    ]);
  });

  it("that is there is not made again, by either way", async () => {
    expect(await asked(LAN, () => 409)).toHaveLength(1);
    const refuse = (body: Docker.NetworkCreateOptions) => knowsMtuAlone(body) ?? 409;
    expect(await asked(LAN, refuse)).toHaveLength(2);
  });

  it("that is there is not made again by Podman 4.3 either, which answers 500", async () => {
    expect(await asked({ mtu: 1400 }, () => 500, true)).toHaveLength(1);
    expect(await asked(LAN, () => 500, true)).toHaveLength(2);
  });

  it("that cannot be made is an error", async () => {
    await expect(asked({ mtu: 1400 }, () => 500)).rejects.toMatchObject({ code: "engine" });
    await expect(asked(LAN, () => 500)).rejects.toMatchObject({ code: "engine" });
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
