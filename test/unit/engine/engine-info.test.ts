import { expect, it } from "vitest";
import { engineInfo } from "../../../src/engine/engine-json.js";

const least = {
  ...{ ServerVersion: "1", NCPU: 1, MemTotal: 1, DockerRootDir: "", OperatingSystem: "" },
  Architecture: "x86_64",
};
const infoOf = (more: object) =>
  engineInfo({ ...least, ...more }, { endpoint: "unix:///x", kind: "docker" });

it.each([
  ["x86_64", "x86_64"],
  ["amd64", "x86_64"],
  ["arm64", "aarch64"],
  ["riscv64", "riscv64"],
])("an engine that calls its machine %s has processors of %s", (Architecture, machine) => {
  expect(infoOf({ Architecture }).architecture).toBe(machine);
});

it.each([
  ["neither option nor word", {}, false],
  ["Docker's option", { SecurityOptions: ["name=seccomp", "name=rootless"] }, true],
  ["Podman's word", { SecurityOptions: ["name=seccomp"], Rootless: true }, true],
  ["Podman's word, as root", { Rootless: false }, false],
])("an engine is rootless by %s: %j is %s", (_name, more, rootless) => {
  expect(infoOf(more).rootless).toBe(rootless);
});
