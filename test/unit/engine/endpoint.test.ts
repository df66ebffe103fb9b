import { describe, expect, it } from "vitest";
import { endpointName, parseEndpoint } from "../../../src/engine/endpoint.js";
import { sshArgs } from "../../../src/engine/ssh-agent.js";

const parse = (host: string) => parseEndpoint(host, undefined, "DOCKER_HOST");

describe("an endpoint's name", () => {
  it.each([
    ["unix:///a/b.sock", "unix:///a/b.sock"],
    ["unix://", "unix:///var/run/docker.sock"],
    ["tcp://lab", "tcp://lab:2375"],
    ["tcp://lab:80", "tcp://lab:80"],
    ["lab:4243", "tcp://lab:4243"],
    ["http://lab:80", "tcp://lab:80"],
    ["https://lab", "tcp://lab:2376"],
    ["tcp://[::1]:2375", "tcp://[::1]:2375"],
    ["ssh://lab", "ssh://lab"],
    ["ssh://ada@lab:2222", "ssh://ada@lab:2222"],
    ["ssh://lab/run/user/7/docker.sock", "ssh://lab/run/user/7/docker.sock"],
  ])("%s is %s", (host, name) => {
    expect(endpointName(parse(host))).toBe(name);
  });
});

describe("an endpoint is refused", () => {
  it.each([
    ["a word of ssh's options", "ssh://-oProxyCommand=evil"],
    ["a user that looks like an option", "ssh://-oX@lab"],
    ["a password on the command line", "ssh://ada:secret@lab"],
    ["a path the remote shell would run", "ssh://lab/$(reboot)"],
    ["a scheme kdock does not speak", "fd://3"],
    ["nothing", ""],
  ])("%s", (_name, host) => {
    expect(() => parse(host)).toThrow("names no engine");
  });
});

describe("ssh's arguments", () => {
  it.each([
    ["ssh://lab", ["--", "lab", "docker", "system", "dial-stdio"]],
    [
      "ssh://ada@lab:2222/x.sock",
      [
        ...["-l", "ada", "-p", "2222", "--", "lab"],
        ...["docker", "--host", "unix:///x.sock", "system", "dial-stdio"],
      ],
    ],
  ])("%s", (host, args) => {
    const endpoint = parse(host);
    if (endpoint.kind !== "ssh") throw new Error("no ssh endpoint");
    expect(sshArgs(endpoint)).toEqual(["-o", "ConnectTimeout=30", "-T", ...args]);
  });
});
