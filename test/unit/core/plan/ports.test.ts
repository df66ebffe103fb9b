import { describe, expect, it } from "vitest";
import { isGdbPort } from "../../../../src/core/plan/ports.js";
import { publishedPorts, vmEnvironment } from "../../../../src/vm/plan/vm-plan.js";
import { config } from "../../fixtures.js";

/** "127.0.0.1:9090→90/tcp": of the host and of the container. */
const published = (...ports: readonly string[]) =>
  publishedPorts(config(yaml(ports)))
    .filter((port) => !isGdbPort(port))
    .map(
      ({ hostAddress, hostPort, containerPort, protocol }) =>
        `${hostAddress}:${hostPort}→${containerPort}/${protocol}`,
    );
/** Protocol, port of the container, port of the guest. */
const inside = (...ports: readonly string[]) => vmEnvironment(config(yaml(ports)))["KDOCK_PORTS"];
const yaml = (ports: readonly string[], more = "") =>
  `{ vm: { ports: ${JSON.stringify(ports)} } ${more} }`;

describe("a published port of the guest", () => {
  it.each<[string, string[], string, string[]]>([
    ["has the same number in the container", ["9090:90"], "tcp/90/90", ["127.0.0.1:9090→90/tcp"]],
    [
      "with the gdbstub's number gets another one",
      ["9999:1234"],
      "tcp/1235/1234",
      ["127.0.0.1:9999→1235/tcp"],
    ],
    [
      "with the gdbstub's number gets one that no other port of the guest has",
      ["9999:1234", "1236:1236", "1240:1235"],
      "tcp/1237/1234 tcp/1236/1236 tcp/1235/1235",
      ["127.0.0.1:9999→1237/tcp", "127.0.0.1:1236→1236/tcp", "127.0.0.1:1240→1235/tcp"],
    ],
    [
      "has one container port for all its host ports and addresses",
      ["9998:80", "9999:80", "127.0.0.2:9999:80", "[::1]:9999:80"],
      "tcp/80/80",
      [
        "127.0.0.1:9998→80/tcp",
        "127.0.0.1:9999→80/tcp",
        "127.0.0.2:9999→80/tcp",
        "::1:9999→80/tcp",
      ],
    ],
    [
      "is distinct for TCP and UDP",
      ["1234:1234/udp", "53:53", "53:53/udp"],
      "udp/1234/1234 tcp/53/53 udp/53/53",
      ["127.0.0.1:1234→1234/udp", "127.0.0.1:53→53/tcp", "127.0.0.1:53→53/udp"],
    ],
    [
      "has as many free host ports as requested",
      ["0:80", "0:80"],
      "tcp/80/80",
      ["127.0.0.1:0→80/tcp", "127.0.0.1:0→80/tcp"],
    ],
  ])("%s", (_what, ports, expectedInside, expected) => {
    expect(inside(...ports)).toBe(expectedInside);
    expect(published(...ports)).toEqual(expected);
  });

  it("has the same container port without gdbserver", () => {
    const without = config(yaml(["9999:1234"], ", gdb: { enable: false }"));
    expect(vmEnvironment(without)["KDOCK_PORTS"]).toBe("tcp/1235/1234");
    expect(publishedPorts(without)).toHaveLength(1);
  });
});

describe("a host port", () => {
  it.each([
    [["1234:80"], "127.0.0.1:1234/tcp is given twice: gdb.listen uses it"],
    [["0.0.0.0:1234:80"], "0.0.0.0:1234/tcp is given twice: gdb.listen uses it"],
    [["80:80", "80:81"], "127.0.0.1:80/tcp is given twice"],
    [["[::]:80:80", "[::1]:80:81"], "[::1]:80/tcp is given twice"],
  ])("is published once only: %j", (ports, message) => {
    expect(() => published(...ports)).toThrow(message);
  });

  it.each([
    [["127.0.0.2:1234:80"]],
    [["[::1]:1234:80"]],
    [["1234:80/udp"]],
    [["80:80", "80:81/udp"]],
    [["0:80", "0:81"]],
  ])("can be used again on another address or protocol: %j", (ports) => {
    expect(published(...ports)).toHaveLength(ports.length);
  });
});
