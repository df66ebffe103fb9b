import { describe, expect, it } from "vitest";
import type { Config } from "../../../src/config/config.js";
import { loadConfig } from "../../../src/config/layers.js";
import { flagsForVm } from "../../../src/config/vm-flags.js";
import { configFor } from "../../../src/vm/plan/vm-plan.js";
import { inFile, problemsOf } from "./problems-of.js";

const YAML = `
vm: { memory: 1G, cpus: 2 }
vms:
  server: { memory: 256M, ports: ["9090:9090"] }
  client:
  third: { gdb: 4000 }
`;
const slot = (name: string, index: number) => ({ name, index });

describe("several VMs", () => {
  const config = loadConfig(inFile(YAML));

  it("have what is said for all, but for what is said about each", () => {
    const server = configFor(config, slot("server", 0)).vm;
    expect([server.memoryMiB, server.cpus, server.ports.length]).toEqual([256, 2, 1]);
    const client = configFor(config, slot("client", 1)).vm;
    expect([client.memoryMiB, client.cpus, client.ports.length]).toEqual([1024, 2, 0]);
  });

  it("have a gdbserver each: the common port and its successors, or their own", () => {
    const ports = [slot("server", 0), slot("client", 1), slot("third", 2)].map(
      (each) => configFor(config, each).gdb.listen.port,
    );
    expect(ports).toEqual([1234, 1235, 4000]);
    const free = loadConfig(inFile("gdb: { listen: 0 }"));
    expect(configFor(free, slot("b", 3)).gdb.listen.port).toBe(0);
  });

  it("of which one is started with flags: they win over the file's words about it, and its other words hold", () => {
    const typed = loadConfig({
      ...inFile(YAML),
      flags: { vm: { memory: "64M" }, gdb: { listen: "7" } },
    });
    const flags = { vm: { memory: "64M" }, gdb: { listen: "7" } };
    const server = configFor(flagsForVm(typed, "server", flags), slot("server", 5));
    expect([server.vm.memoryMiB, server.vm.ports.length, server.gdb.listen.port]).toEqual([
      64, 1, 7,
    ]);
  });

  it("have a network mode each, which a flag wins over, on one common subnet", () => {
    const yaml =
      "vm: { net: { subnet: 10.9.0.0/24 } }\nvms: { a: { net: { mode: none } }, b: {} }\n";
    const net = (config: Config, name: string) => configFor(config, slot(name, 0)).vm.net;
    const written = loadConfig(inFile(yaml));
    expect(net(written, "a")).toMatchObject({ mode: "none", subnet: "10.9.0.0/24" });
    expect(net(written, "b")).toMatchObject({ mode: "bridge", subnet: "10.9.0.0/24" });
    const flags = { vm: { net: { mode: "user" } } };
    const typed = flagsForVm(loadConfig({ ...inFile(yaml), flags }), "a", flags);
    expect(net(typed, "a").mode).toBe("user");
    const other = { vm: { net: { ipv6: "false" } } };
    const kept = flagsForVm(loadConfig({ ...inFile(yaml), flags: other }), "a", other);
    expect(net(kept, "a").mode).toBe("none");
    const bad = "vms: { a: { net: { subnet: 10.9.0.0/24 } } }";
    expect(problemsOf(inFile(bad))).toEqual([
      expect.stringMatching(/vms\.a\.net\.subnet: unknown key/),
    ]);
  });

  it("are refused with the place of what is wrong", () => {
    const bad = "vms:\n  a: { cpus: many, subnet: 1 }\n  B!: {}\n";
    expect(problemsOf(inFile(bad))).toEqual([
      expect.stringMatching(/kdock.yaml:2:8: vms.a.cpus: expected a whole number from 1 to 64/),
      expect.stringMatching(/kdock.yaml:2:20: vms.a.subnet: unknown key/),
      expect.stringMatching(/kdock.yaml:3:3: vms.B!: B! cannot be a VM's name/),
    ]);
  });
});
