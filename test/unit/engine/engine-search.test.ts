import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { Secret } from "../../../src/core/secret.js";
import { endpointName } from "../../../src/engine/endpoint.js";
import { engineSearch } from "../../../src/engine/engine-search.js";

type Files = Readonly<Record<string, string>>;

const HOME = "/home/ada";
const search = (env: Record<string, string>, files: Files = {}) =>
  engineSearch(env, HOME, (path) => files[path]);

/** What `docker context create` writes. */
function context(name: string, host: string, dir = "/home/ada/.docker", more: object = {}): Files {
  const id = createHash("sha256").update(name).digest("hex");
  const meta = { Name: name, Metadata: {}, Endpoints: { docker: { Host: host, ...more } } };
  return { [`${dir}/contexts/meta/${id}/meta.json`]: JSON.stringify(meta) };
}

function tlsFiles(name: string): Files {
  const id = createHash("sha256").update(name).digest("hex");
  const dir = `/home/ada/.docker/contexts/tls/${id}/docker`;
  return { [`${dir}/ca.pem`]: "CA", [`${dir}/cert.pem`]: "CERT", [`${dir}/key.pem`]: "KEY" };
}

const using = (name: string): Files => ({
  "/home/ada/.docker/config.json": JSON.stringify({ auths: {}, currentContext: name }),
});

describe("an engine the user has named is the only one", () => {
  it.each<[string, Record<string, string>, Files, string, string]>([
    ["DOCKER_HOST", { DOCKER_HOST: "unix:///x.sock" }, {}, "unix:///x.sock", "DOCKER_HOST"],
    [
      "DOCKER_HOST before any context",
      { DOCKER_HOST: "tcp://lab:4000", DOCKER_CONTEXT: "far" },
      using("other"),
      "tcp://lab:4000",
      "DOCKER_HOST",
    ],
    [
      "DOCKER_CONTEXT before the current one",
      { DOCKER_CONTEXT: "far" },
      { ...using("other"), ...context("far", "ssh://me@far") },
      "ssh://me@far",
      "docker context far",
    ],
    [
      "the current context",
      {},
      { ...using("lab"), ...context("lab", "unix:///lab.sock") },
      "unix:///lab.sock",
      "docker context lab",
    ],
    [
      "the current context in DOCKER_CONFIG",
      { DOCKER_CONFIG: "/cfg" },
      {
        "/cfg/config.json": '{"currentContext":"lab"}',
        ...context("lab", "tcp://lab:1", "/cfg"),
      },
      "tcp://lab:1",
      "docker context lab",
    ],
  ])("%s", (_name, env, files, endpoint, source) => {
    const { kind, candidates } = search(env, files);
    expect(kind).toBe("named");
    expect(candidates.map((c) => [endpointName(c.endpoint), c.source])).toEqual([
      [endpoint, source],
    ]);
  });
});

describe("without a named engine the usual places are tried in order", () => {
  const everywhere = [
    "unix:///var/run/docker.sock",
    "unix:///run/user/7/docker.sock",
    "unix:///home/ada/.docker/run/docker.sock",
    "unix:///home/ada/.docker/desktop/docker.sock",
    "unix:///run/user/7/podman/podman.sock",
    "unix:///run/podman/podman.sock",
  ];
  it.each<[string, Record<string, string>, Files]>([
    ["nothing set", {}, {}],
    ["empty variables", { DOCKER_HOST: "", DOCKER_CONTEXT: "" }, {}],
    ["the context default, by name", { DOCKER_CONTEXT: "default" }, {}],
    ["DOCKER_CONTEXT=default beats the current one", { DOCKER_CONTEXT: "default" }, using("lab")],
    ["a configuration without a context", {}, { "/home/ada/.docker/config.json": "{}" }],
  ])("%s", (_name, env, files) => {
    const { kind, candidates } = search({ XDG_RUNTIME_DIR: "/run/user/7", ...env }, files);
    expect(kind).toBe("usual");
    expect(candidates.map(({ endpoint }) => endpointName(endpoint))).toEqual(everywhere);
  });

  it("no runtime folder, none of its sockets", () => {
    const names = search({}).candidates.map(({ endpoint }) => endpointName(endpoint));
    expect(names).toEqual(everywhere.filter((name) => !name.includes("/run/user/")));
  });
});

describe("TLS", () => {
  const ca = { ca: "CA", cert: undefined, key: undefined, verify: true };
  it.each<[string, Record<string, string>, Files, object | undefined]>([
    ["off by default", {}, { "/home/ada/.docker/ca.pem": "CA" }, undefined],
    [
      "beside the configuration",
      { DOCKER_TLS_VERIFY: "1" },
      { "/home/ada/.docker/ca.pem": "CA" },
      ca,
    ],
    [
      "from DOCKER_CERT_PATH",
      { DOCKER_TLS_VERIFY: "1", DOCKER_CERT_PATH: "/certs" },
      { "/certs/ca.pem": "CA", "/certs/cert.pem": "CERT", "/certs/key.pem": "KEY" },
      { ca: "CA", cert: "CERT", key: expect.any(Secret) as Secret, verify: true },
    ],
  ])("of DOCKER_HOST: %s", (_name, env, files, tls) => {
    const { candidates } = search({ DOCKER_HOST: "tcp://lab", ...env }, files);
    const port = tls === undefined ? 2375 : 2376;
    expect(candidates[0]?.endpoint).toEqual({ kind: "tcp", host: "lab", port, tls });
  });

  it.each<[string, object, Files, object | undefined]>([
    ["none without files", {}, {}, undefined],
    [
      "its files",
      {},
      tlsFiles("far"),
      { ca: "CA", cert: "CERT", key: expect.any(Secret) as Secret, verify: true },
    ],
    [
      "not verified when it says so",
      { SkipTLSVerify: true },
      {},
      { ca: undefined, cert: undefined, key: undefined, verify: false },
    ],
  ])("of a context: %s", (_name, more, files, tls) => {
    const meta = context("far", "tcp://far:9", "/home/ada/.docker", more);
    const { candidates } = search({ DOCKER_CONTEXT: "far" }, { ...meta, ...files });
    expect(candidates[0]?.endpoint).toEqual({ kind: "tcp", host: "far", port: 9, tls });
  });
});

describe("what makes no sense is an environment error", () => {
  it.each<[string, Record<string, string>, Files, string]>([
    ["an unknown scheme", { DOCKER_HOST: "npipe:////./pipe/x" }, {}, "DOCKER_HOST"],
    ["a missing host", { DOCKER_HOST: "tcp://" }, {}, "names no engine"],
    ["a context that is not there", { DOCKER_CONTEXT: "gone" }, {}, 'no docker context "gone"'],
    ["broken JSON", {}, { "/home/ada/.docker/config.json": "{" }, "config.json"],
    [
      "a context without an engine",
      { DOCKER_CONTEXT: "k" },
      { [Object.keys(context("k", "")).join("")]: '{"Endpoints":{}}' },
      "meta.json",
    ],
  ])("%s", (_name, env, files, text) => {
    const error = expect.objectContaining({
      code: "environment",
      message: expect.stringContaining(text) as string,
    }) as Error;
    expect(() => search(env, files)).toThrow(error);
  });
});
