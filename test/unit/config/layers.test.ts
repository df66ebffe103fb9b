import { expect, it } from "vitest";
import { loadConfig } from "../../../src/config/layers.js";
import { inFile, problemsOf } from "./problems-of.js";

it("gives a complete configuration for nothing at all", () => {
  expect(loadConfig({})).toEqual({
    kernel: {
      source: "debian:6.12",
      mirrors: [],
      keys: [],
      arch: "x86_64",
      preset: "debug",
      fragments: [],
      deoptimize: [],
      set: {},
      patches: [],
      moduleKey: undefined,
      toolchain: "auto",
      jobs: "auto",
      ccache: true,
    },
    busybox: {
      source: "release:1.37.0",
      sha256: undefined,
      mirrors: [],
      keys: [],
      fragments: [],
      set: {},
    },
    rootfs: { overlay: undefined, init: [], strict: false },
    vms: {},
    vm: {
      cpus: 1,
      memoryMiB: 512,
      append: "",
      cpu: undefined,
      numa: 1,
      accel: "auto",
      privilege: "privileged",
      nic: "virtio",
      net: { mode: "bridge", subnet: "auto", ipv6: "fd6b:646f:636b:3::/64" },
      ports: [],
      disks: [],
      shares: [],
      dumpOnPanic: false,
      qemu: [],
    },
    gdb: { enable: true, listen: { address: "127.0.0.1", port: 1234 }, scripts: [] },
    matrix: { kernels: [], presets: [], archs: [] },
    images: { registry: "docker.io/library", mirror: undefined, base: "auto", snapshot: undefined },
  });
});

it("lets flags win over the environment, and that over the file", () => {
  const file = { name: "kdock.yaml", text: "vm: {cpus: 2, memory: 1G, append: quiet, nic: e1000}" };
  const env = { KDOCK_VM_CPUS: "3", KDOCK_VM_APPEND: "debug", HOME: "/root" };
  const { vm } = loadConfig({ file, env, flags: { vm: { cpus: "4", memory: undefined } } });
  expect(vm).toMatchObject({ cpus: 4, append: "debug", memoryMiB: 1024, nic: "e1000" });
});

it("merges options one by one, with or without CONFIG_, and replaces lists", () => {
  const { kernel, vm } = loadConfig({
    file: {
      name: "kdock.yaml",
      text: "kernel: {set: {NET: y, CONFIG_USB: y, SMP: y}}\nvm: {ports: ['1:1']}",
    },
    env: { KDOCK_KERNEL_SET: "CONFIG_NET=n,HZ=250", KDOCK_VM_PORTS: "2:2,3:3/udp" },
    flags: { kernel: { set: ["USB=m"] } },
  });
  expect(kernel.set).toEqual({
    CONFIG_NET: "n",
    CONFIG_USB: "m",
    CONFIG_SMP: "y",
    CONFIG_HZ: "250",
  });
  expect(vm.ports.map((port) => port.hostPort)).toEqual([2, 3]);
});

it.each([
  ["KDOCK_GDB_ENABLE", "0", { gdb: { enable: false } }],
  ["KDOCK_GDB_ENABLE", "yes", { gdb: { enable: true } }],
  ["KDOCK_GDB_LISTEN", "0.0.0.0:9", { gdb: { listen: { address: "0.0.0.0", port: 9 } } }],
  ["KDOCK_GDB_LISTEN", "9", { gdb: { listen: { address: "127.0.0.1", port: 9 } } }],
  ["KDOCK_KERNEL_JOBS", "4", { kernel: { jobs: 4 } }],
  ["KDOCK_KERNEL_JOBS", "auto", { kernel: { jobs: "auto" } }],
  ["KDOCK_KERNEL_PRESET", "file:my.config", { kernel: { preset: "file:my.config" } }],
  ["KDOCK_IMAGES_REGISTRY", "", { images: { registry: "" } }],
  ["KDOCK_IMAGES_REGISTRY", "none", { images: { registry: "" } }],
  ["KDOCK_VM_NET_IPV6", "off", { vm: { net: { ipv6: undefined } } }],
  ["KDOCK_VM_NET_IPV6", "yes", { vm: { net: { ipv6: "fd6b:646f:636b:3::/64" } } }],
  ["KDOCK_VM_NET_IPV6", "fd00:9::/64", { vm: { net: { ipv6: "fd00:9::/64" } } }],
  ["KDOCK_VM_NET_MODE", "user", { vm: { net: { mode: "user" } } }],
  ["KDOCK_VM_NET_SUBNET", "auto", { vm: { net: { subnet: "auto" } } }],
  ["KDOCK_VM_NET_SUBNET", "10.1.0.0/16", { vm: { net: { subnet: "10.1.0.0/16" } } }],
  ["KDOCK_VM_QEMU", "-device,a\\,b=1", { vm: { qemu: ["-device", "a,b=1"] } }],
  ["KDOCK_VM_QEMU", "", { vm: { qemu: [] } }],
])("reads %s=%s", (name, text, config) => {
  expect(loadConfig({ env: { [name]: text } })).toMatchObject(config);
});

it("says which place a problem is in, for every place at once", () => {
  const problems = problemsOf({
    ...inFile("vm:\n  cpus: two\n"),
    env: { KDOCK_VM_CPUS: "100", KDOCK_KERNEL_SET: "NET", KDOCK_BUSYBOX_SET: "NC=yes" },
    flags: { vm: { cpus: "0", ports: ["x"] }, gdb: { listen: "y" } },
  });
  expect(problems).toEqual([
    'kdock.yaml:2:3: vm.cpus: expected a whole number from 1 to 64, got "two"',
    'environment variable KDOCK_KERNEL_SET: expected NAME=VALUE, got "NET"',
    "environment variable KDOCK_BUSYBOX_SET: NC: write y or n, or '\"yes\"' for the text, got yes",
    "environment variable KDOCK_VM_CPUS: expected a whole number from 1 to 64, got 100",
    "flag --cpus: expected a whole number from 1 to 64, got 0",
    'flag --publish: [0]: expected [ADDRESS:]HOST:GUEST[/udp], got "x"',
    'flag --gdb: expected ADDRESS:PORT or a port, got "y"',
  ]);
});

it("refuses KDOCK_ variables that stand for nothing, except its own", () => {
  const env = {
    KDOCK_VM_CPUZ: "2",
    KDOCK_DEBUG: "1",
    KDOCK_PRIVILEGED: "1",
    KDOCK_BASE_TRIXIE: "x",
    KDOCK_TEST_SLOW: "1",
    KDOCK_REQUIRE_ENGINE: "1",
  };
  expect(problemsOf({ env })).toEqual([
    "environment variable KDOCK_VM_CPUZ: stands for no key of the configuration; did you mean KDOCK_VM_CPUS?",
  ]);
});

it("refuses flags for keys that there are not", () => {
  expect(problemsOf({ flags: { vm: { colour: "red" } } })).toEqual(["vm.colour: unknown key"]);
});
