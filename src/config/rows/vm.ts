import {
  COMMAND_LINE,
  CPU_MODEL,
  DISKS,
  IPV6,
  MEMORY,
  PORTS,
  SHARES,
  SUBNET,
} from "../machine-types.js";
import { row, section } from "../row.js";
import { choice, integer, listOf, TRUE_OR_FALSE } from "../types.js";
import { ACCELERATORS, NET_MODES } from "../values.js";

const net = section("the guest's network", {
  mode: row({
    type: choice(NET_MODES),
    default: "bridge",
    help: "where the guest's bridge is: in the VM's container, or on the host; user is QEMU's own network, none no card",
    flag: {
      name: "net",
      value: "<mode>",
      help: "bridge in the VM's container, bridge on the host, QEMU's own network, or no card",
    },
    compose: true,
  }),
  /** "10.0.3.0/24", or "auto" for one that clashes with nothing. */
  subnet: row({
    type: SUBNET,
    default: "auto",
    help: "the guest's network; auto is 10.0.3.0/24, or another where that clashes with a route or a Docker network",
    flag: { name: "subnet", value: "<cidr>", help: "the guest's network, or auto" },
    shared: true,
  }),
  /** A /64; undefined for no IPv6. Of use in mode "bridge" only. */
  ipv6: row({
    type: IPV6,
    default: true,
    help: "addresses of the guest for IPv6; true is fd6b:646f:636b:3::/64",
    flag: { name: "ipv6", value: "<cidr>", help: "the guest's IPv6 network, a /64" },
    shortcuts: [{ name: "no-ipv6", sets: false, help: "no IPv6 network for the guest" }],
    shared: true,
  }),
});

export const vm = section("the virtual machine", {
  cpus: row({
    type: integer(1, 64),
    default: 1,
    help: "processors; with one, stepping it stops the whole machine",
    flag: { name: "cpus", value: "<n>", help: "virtual processors" },
    compose: true,
  }),
  /** In MiB. */
  memory: row({
    type: MEMORY,
    default: "512M",
    help: "memory",
    flag: { name: "memory", short: "m", value: "<size>", help: "memory, like 512M" },
    compose: true,
  }),
  append: row({
    type: COMMAND_LINE,
    default: "",
    help: "put at the end of the kernel command line",
    flag: { name: "append", value: "<text>", help: "added to the kernel command line" },
    compose: true,
  }),
  cpu: row({
    type: CPU_MODEL,
    help: "processor, in QEMU's words; all that the accelerator can do unless given",
    example: "Nehalem",
    flag: {
      name: "cpu",
      value: "<model>",
      help: "QEMU's name for a processor[,+feature][,-feature]",
      after: "cpus",
    },
  }),
  numa: row({
    type: integer(1, 8),
    default: 1,
    help: "NUMA nodes that share processors and memory evenly; more than one needs CONFIG_NUMA",
    flag: {
      name: "numa",
      value: "<nodes>",
      help: "NUMA nodes that share processors and memory",
      after: "cpu",
    },
  }),
  accel: row({
    type: choice(ACCELERATORS),
    default: "auto",
    help: "accelerator; auto tries KVM and falls back to emulation",
    flag: { name: "accel", value: "<name>", help: "accelerator" },
    shortcuts: [
      { name: "require-kvm", sets: "kvm", help: "fail rather than emulate: --accel kvm" },
    ],
    compose: true,
  }),
  privilege: row({
    type: choice(["privileged", "least"]),
    default: "privileged",
    help: "what the VM's container may do; least grants NET_ADMIN and the devices only",
    flag: { name: "privilege", value: "<name>", help: "of the VM's container" },
  }),
  nic: row({
    type: choice(["virtio", "e1000"]),
    default: "virtio",
    help: "network card of the guest",
    flag: { name: "nic", value: "<name>", help: "network card" },
  }),
  net,
  ports: row({
    type: PORTS,
    default: [],
    help: "ports of the guest on the host; the address is 127.0.0.1 unless given",
    example: ["9090:9090", "0.0.0.0:5353:53/udp"],
    flag: { name: "publish", short: "p", value: "<ports>", help: "host:guest[/udp]" },
  }),
  disks: row({
    type: DISKS,
    default: [],
    help: "disks, /dev/vda first: raw or qcow2 images, or an empty one of that size, gone with the VM",
    example: ["./data.img", "/srv/images/base.qcow2:ro", "1G"],
    flag: {
      name: "disk",
      value: "<file|size>",
      help: "raw or qcow2 image[:ro], or an empty disk like 1G",
      after: "numa",
    },
  }),
  shares: row({
    type: SHARES,
    default: [],
    help: "folders of the host in the guest, on /mnt/NAME unless given; the guest writes to those with rw",
    example: ["./data", "../modules:/mnt/ko:rw"],
    flag: {
      name: "share",
      value: "<folder[:/mountpoint][:rw]>",
      help: "a host folder in the guest, on /mnt/NAME unless given, read-only unless rw",
    },
  }),
  dumpOnPanic: row({
    type: TRUE_OR_FALSE,
    default: false,
    help: "keep the guest's memory in .kdock/dumps when its kernel panics",
    flag: {
      name: "dump-on-panic",
      value: "[file]",
      help: "keep the guest's memory when its kernel panics, in .kdock/dumps or FILE",
      only: "run",
    },
  }),
  qemu: row({
    type: listOf("a list of texts", { schema: (zod) => zod.string() }),
    default: [],
    help: "more arguments for QEMU",
    flag: { name: "qemu-arg", value: "<argument>", help: "one more argument for QEMU" },
  }),
});
