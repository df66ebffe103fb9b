import { describe, expect, it } from "vitest";
import { type Found, machine, vmPlan, withoutIpv6 } from "../../../../src/vm/plan/vm-plan.js";
import { plannedArgs, qemuArgs, startFacts } from "../../../../src/vm/plan/qemu-args.js";
import { vmFacts } from "../../../../src/vm/plan/vm-facts.js";
import { FIRST_SLOT } from "../../../../src/vm/plan/slots.js";
import { config, plan } from "../../fixtures.js";

const INTERACTIVE = { paused: false, command: false };

function vm(yaml = "", mode = INTERACTIVE) {
  const made = plan(yaml);
  return vmPlan(config(yaml), made, mode);
}

/** What is tried on a machine that has /dev/net/tun. */
function usual(yaml = "") {
  return vm(yaml).attempts.filter(({ without }) => without === undefined);
}

function args(yaml = "", mode = INTERACTIVE): string {
  return plannedArgs(machine(config(yaml), mode)).join(" ");
}

describe("plannedArgs", () => {
  it.each([
    ["gdbserver is on by default", "", INTERACTIVE, "-gdb tcp::1234", true],
    ["it can be switched off", "gdb: { enable: false }", INTERACTIVE, "-gdb", false],
    ["nokaslr goes with gdb", "", INTERACTIVE, "nokaslr", true],
    ["and not without", "gdb: { enable: false }", INTERACTIVE, "nokaslr", false],
    ["a paused VM waits for the debugger", "", { paused: true, command: false }, " -S", true],
    ["others do not", "", INTERACTIVE, " -S", false],
    [
      "a command has no shell on the console",
      "",
      { paused: false, command: true },
      "kdock.console=none",
      true,
    ],
    ["memory as asked", "vm: { memory: 2G }", INTERACTIVE, "-m 2048M", true],
    ["processors as asked", "vm: { cpus: 4 }", INTERACTIVE, "-smp 4", true],
    ["virtio is the default card", "", INTERACTIVE, "virtio-net-pci,netdev=net0", true],
    [
      "e1000 for those who want to step it",
      "vm: { nic: e1000 }",
      INTERACTIVE,
      "-device e1000,",
      true,
    ],
    ["a panic ends QEMU with a failure", "", INTERACTIVE, "-action panic=exit-failure,", true],
    [
      "or waits for its memory to be written",
      "vm: { dumpOnPanic: true }",
      INTERACTIVE,
      /-action panic=pause,\S+ -qmp unix:\/run\/kdock\/panic\.sock,/,
      true,
    ],
    ["more arguments come last", "vm: { qemu: ['-d', 'int'] }", INTERACTIVE, /-d int$/, true],
  ])("%s", (_what, yaml, mode, part, present) => {
    const line = args(yaml, mode);
    expect(typeof part === "string" ? line.includes(part) : part.test(line)).toBe(present);
  });

  it("lets what the user appends to the command line win", () => {
    const list = plannedArgs(machine(config("vm: { append: 'panic=0 loglevel=8' }"), INTERACTIVE));
    expect(list[list.indexOf("-append") + 1]).toMatch(/panic=-1 .*panic=0 loglevel=8$/);
  });
});

describe("startFacts", () => {
  const facts = (yaml: string, mode = INTERACTIVE) => startFacts(machine(config(yaml), mode));

  it("are what qemuArgs lack of the planned arguments", () => {
    const planned = machine(config(), INTERACTIVE);
    const { KDOCK_TAP_NETDEV, KDOCK_NIC, KDOCK_COMMAND_LINE, KDOCK_GDB_PORT } = facts("");
    expect(plannedArgs(planned)).toEqual([
      ...["-netdev", KDOCK_TAP_NETDEV, "-device", KDOCK_NIC],
      ...["-initrd", "/artifacts/rootfs/rootfs.cpio", "-append", KDOCK_COMMAND_LINE],
      ...["-gdb", `tcp::${KDOCK_GDB_PORT ?? ""}`],
      ...qemuArgs(planned),
    ]);
  });

  it("have words for the modes that may take a bridge's place, and for no other plan", () => {
    expect(facts("")).toMatchObject({
      ...{ KDOCK_USER_WORDS: "kdock.ip6=none", KDOCK_NONE_WORDS: "kdock.ip=none" },
    });
    for (const mode of ["host", "user", "none"]) {
      const words = Object.keys(facts(`vm: { net: { mode: ${mode} } }`));
      expect(words.filter((name) => name.endsWith("_WORDS"))).toEqual([]);
    }
  });

  it("tell of a guest that waits for a debugger, also by the user's own words", () => {
    expect(facts("", { paused: true, command: false })["KDOCK_PAUSED"]).toBe("1");
    expect(facts("vm: { qemu: [-S] }")["KDOCK_PAUSED"]).toBe("1");
    expect(facts("")).not.toHaveProperty("KDOCK_PAUSED");
  });

  it("have the user's -append in the place of kdock's command line", () => {
    const yaml = "vm: { qemu: [-append, first, -d, int, -append, 'rdinit=/bin/sh'] }";
    expect(facts(yaml)["KDOCK_COMMAND_LINE"]).toBe("rdinit=/bin/sh");
    expect(qemuArgs(machine(config(yaml), INTERACTIVE)).slice(-2)).toEqual(["-d", "int"]);
  });
});

describe("vmPlan", () => {
  it("publishes gdbserver on 127.0.0.1:1234 unless told otherwise", () => {
    expect(vm().attempts[0]?.container.ports).toEqual([
      { containerPort: 1234, protocol: "tcp", hostAddress: "127.0.0.1", hostPort: 1234 },
    ]);
    expect(vm("gdb: { listen: '0.0.0.0:4321' }").attempts[0]?.container.ports[0]).toMatchObject({
      hostAddress: "0.0.0.0",
      hostPort: 4321,
    });
  });

  it.each([
    ["", ["privileged", "least", "least"]],
    ["vm: { privilege: least }", ["least", "least"]],
    ["vm: { privilege: least, accel: tcg }", ["least"]],
    ["vm: { accel: kvm }", ["privileged", "least"]],
  ])("%s tries what was asked for first, then less", (yaml, expected) => {
    expect(usual(yaml).map((attempt) => attempt.privilege)).toEqual(expected);
  });

  it("tells run-qemu.pl what the kernel has for pvpanic, where that is known", () => {
    const told = (found: Partial<Found>) =>
      vmPlan(config(), plan(), INTERACTIVE, FIRST_SLOT, found).attempts.map(
        ({ container }) => container.env["KDOCK_PANIC_DRIVER"],
      );
    expect(new Set(told({ panicDriver: "none" }))).toEqual(new Set(["none"]));
    expect(new Set(told({}))).toEqual(new Set([undefined]));
  });

  it("mounts the host folders that are asked for, as they are asked for, and is never privileged then", () => {
    const { attempts, facts } = vm("vm: { shares: ['data, too', '/srv/x:rw'] }");
    expect(new Set(attempts.map((attempt) => attempt.privilege))).toEqual(new Set(["least"]));
    for (const { container } of attempts) {
      expect(container.hostPaths).toEqual([
        { path: "/home/ada/lab/data, too", target: "/shares/share0", readOnly: true },
        { path: "/srv/x", target: "/shares/share1", readOnly: false },
      ]);
      expect(container.env["KDOCK_SHARES"]).toBe(
        "share0,9p,ro,/mnt/data%2c%20too,/shares/share0,/run/kdock/share0.sock " +
          "share1,9p,rw,/mnt/x,/shares/share1,/run/kdock/share1.sock",
      );
      expect(container.securityOpt).toEqual(["no-new-privileges", "label=disable"]);
    }
    expect(facts.shares).toEqual([
      "/home/ada/lab/data, too on /mnt/data, too (read-only)",
      "/srv/x on /mnt/x (read-write)",
    ]);
  });

  it("gives least privilege one capability for the network, and never a host path", () => {
    for (const { container } of usual("vm: { privilege: least }")) {
      expect(container.privileged).toBe(false);
      expect(container.capDrop).toEqual(["ALL"]);
      expect(container.capAdd).toContain("NET_ADMIN");
      expect(container.capAdd).not.toContain("SYS_ADMIN");
      expect(container.devices).toContain("/dev/net/tun");
      expect([container.mounts, container.hostPaths]).toEqual([[], []]);
    }
  });

  it("has IPv6 in guest and container, unless it is switched off", () => {
    const on = vm();
    expect(on.facts.address6).toBe("fd6b:646f:636b:3::2");
    expect(args()).toContain(" kdock.ip6=fd6b:646f:636b:3::2/64");
    for (const { container } of usual()) {
      expect(container.env["KDOCK_GATEWAY6"]).toBe("fd6b:646f:636b:3::1/64");
      expect(container.sysctls).toHaveProperty(["net.ipv6.conf.all.forwarding"], "1");
    }
    const off = vm("vm: { net: { ipv6: false } }");
    expect(off.facts.address6).toBeUndefined();
    expect(args("vm: { net: { ipv6: false } }")).not.toContain("kdock.ip6");
    for (const { container } of off.attempts) {
      expect(container.env).not.toHaveProperty("KDOCK_GATEWAY6");
      expect(container.sysctls).toEqual({ "net.ipv4.ip_forward": "1" });
    }
  });

  it("tries QEMU's own network last, for machines without /dev/net/tun", () => {
    const { attempts } = vm();
    const last = attempts.filter(({ without }) => without === "/dev/net/tun");
    expect(attempts.slice(-2)).toEqual(last);
    expect(last.map(({ container }) => container.devices)).toEqual([["/dev/kvm"], []]);
    for (const { container } of last) {
      expect(container.privileged).toBe(false);
      expect(container.env["KDOCK_NET_MODE"]).toBe("user");
      expect(container.env["KDOCK_USER_NETDEV"]).toMatch(/^user,id=net0,/);
      expect(container.env).not.toHaveProperty("KDOCK_TAP_NETDEV");
      expect(container.env["KDOCK_COMMAND_LINE"]).not.toContain("kdock.ip6");
      expect(vmFacts(container.labels)).toMatchObject({ net: "user", address: "10.0.3.2" });
    }
  });

  it.each([
    ["host", { network: undefined, devices: [], address: "10.0.3.2" }],
    ["user", { network: "NETWORK", devices: [], address: "10.0.3.2" }],
    ["none", { network: "NETWORK", devices: [], address: "" }],
  ])("mode %s needs no device, and has no IPv6", (mode, { network, devices, address }) => {
    const yaml = `vm: { privilege: least, accel: tcg, net: { mode: ${mode} } }`;
    const made = vm(yaml);
    expect(made.network).toBe(network && plan(yaml).names.network);
    expect(made.facts).toMatchObject({ net: mode, address, address6: undefined });
    expect(made.attempts).toHaveLength(1);
    for (const { container } of made.attempts) {
      expect(container.devices).toEqual(devices);
      expect(container.sysctls).toEqual({ "net.ipv4.ip_forward": "1" });
      expect(container.env).not.toHaveProperty("KDOCK_GATEWAY6");
      expect(container.env["KDOCK_COMMAND_LINE"]).not.toMatch(/kdock\.ip6/);
    }
  });

  it("gives a guest without network no card, and tells /init not to look for one", () => {
    const line = args("vm: { net: { mode: none } }");
    expect(line).not.toMatch(/-netdev|netdev=/);
    expect(line).toMatch(/-append .* kdock\.ip=none /);
    expect(args()).not.toContain("kdock.ip=none");
  });

  it("hands mode host its tap, and the volume that knows of it, read-only", () => {
    const { attempts } = vm("vm: { net: { mode: host } }");
    expect(args("vm: { net: { mode: host } }")).toContain("-netdev tap,id=net0,fd=7 ");
    for (const { container } of attempts) {
      expect(container.mounts).toEqual([
        { volume: plan().names.hostVolume, target: "/host", readOnly: true },
      ]);
    }
  });

  it("leaves the subnet open where nobody names one and there is a card", () => {
    expect(vm().isSubnetOpen).toBe(true);
    expect(vm("vm: { net: { mode: none } }").isSubnetOpen).toBe(false);
    const named = vm("vm: { net: { subnet: 10.9.0.0/24 } }");
    expect(named.isSubnetOpen).toBe(false);
    expect(named.facts).toMatchObject({ subnet: "10.9.0.0/24", address: "10.9.0.2" });
  });

  it("has modes for single VMs", () => {
    const yaml = "vm: { net: { subnet: 10.9.0.0/24 } }\nvms: { a: {}, b: { net: { mode: user } } }";
    const facts = ["a", "b"].map(
      (name, index) => vmPlan(config(yaml), plan(yaml), INTERACTIVE, { name, index }).facts,
    );
    expect(facts).toMatchObject([
      { net: "bridge", subnet: "10.9.0.0/24" },
      { net: "user", subnet: "10.9.0.0/24", address: "10.9.0.3" },
    ]);
  });

  it("can do without IPv6 in the container where the engine's machine has none", () => {
    const [attempt] = vm().attempts;
    if (attempt === undefined) throw new Error("no attempt");
    const { container } = withoutIpv6(attempt);
    expect(container).toEqual({
      ...attempt.container,
      sysctls: { "net.ipv4.ip_forward": "1" },
    });
  });

  it("asks for no /dev/kvm when emulation is wanted", () => {
    const devices = vm("vm: { accel: tcg }").attempts.flatMap((a) => a.container.devices);
    expect(devices).not.toContain("/dev/kvm");
  });

  it("tells start.sh which ports to hand to the guest", () => {
    const { container } = vm("vm: { ports: ['9090:90', '53:53/udp'] }").attempts[0] ?? {};
    expect(container?.env["KDOCK_PORTS"]).toBe("tcp/90/90 udp/53/53");
    expect(container?.ports.map((port) => port.hostPort)).toEqual([1234, 9090, 53]);
  });
});
