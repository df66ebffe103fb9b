import { z } from "zod";
import { choicesText } from "./choices.js";
import { ACCELERATORS, NET_MODES } from "./config.js";
import { parseListen, parsePort, parseSubnet, type Parsed } from "./addresses.js";
import { noPassword } from "./no-password.js";
import { MAX_DISKS, parseDisk } from "./disks.js";
import { parseShare, repeatedMountPoint } from "./shares.js";
import { parseIpv6Setting } from "./subnet6.js";

const MIN_MEMORY_MIB = 64;
/** Each takes one of the machine's slots. */
const MAX_SHARES = 16;

/** What a machine may be told, checked; keys and defaults stand below. */
const checks = {
  cpus: z.int().min(1).max(64),
  memory: text(memoryMiB),
  // YAML reads 486, and what was meant for vm.cpus, as numbers.
  cpu: z.union([z.string(), z.int()]).transform(String).pipe(text(parseCpu)),
  numa: z.int().min(1).max(8),
  disks: z.array(text(parseDisk)).superRefine((disks, context) => {
    if (disks.length > MAX_DISKS) {
      context.addIssue({ code: "custom", message: `a VM has ${MAX_DISKS} disks at most` });
    }
  }),
  append: z
    .string()
    .trim()
    // eslint-disable-next-line no-control-regex -- a kernel command line is one line
    .regex(/^[^\u0000-\u001f]*$/, "must be one line without tabs"),
  accel: z.enum(ACCELERATORS),
  privilege: z.enum(["privileged", "least"]),
  nic: z.enum(["virtio", "e1000"]),
  mode: z.enum(NET_MODES),
  ports: z.array(text(parsePort)).superRefine((ports, context) => {
    const seen = new Set<string>();
    ports.forEach(({ hostAddress, hostPort, protocol }, index) => {
      const key = `${hostAddress}:${hostPort}/${protocol}`;
      if (hostPort !== 0 && seen.has(key)) {
        context.addIssue({ code: "custom", message: `${key} is given twice`, path: [index] });
      }
      seen.add(key);
    });
  }),
  shares: z.array(text(parseShare)).superRefine((shares, context) => {
    const twice = repeatedMountPoint(shares);
    if (twice !== undefined) {
      const message = `${shares[twice]?.mountPoint ?? ""} is given twice`;
      context.addIssue({ code: "custom", message, path: [twice] });
    }
    if (shares.length > MAX_SHARES) {
      context.addIssue({ code: "custom", message: `a VM has ${MAX_SHARES} shares at most` });
    }
  }),
  dumpOnPanic: z.boolean(),
  qemu: z.array(z.string()),
};

const listen = z.union([z.string(), z.int()]).transform(String).pipe(text(parseListen));

export const vm = z
  .strictObject({
    cpus: checks.cpus.default(1).meta({
      title: "a whole number from 1 to 64",
      description: "processors; with one, stepping it stops the whole machine",
    }),
    memory: checks.memory
      .prefault("512M")
      .meta({ title: "a size such as 512M or 2G", description: "memory" }),
    append: checks.append
      .default("")
      .meta({ title: "text", description: "put at the end of the kernel command line" }),
    cpu: checks.cpu.optional().meta({
      title: "MODEL[,+FEATURE][,-FEATURE]",
      description: "processor, in QEMU's words; all that the accelerator can do unless given",
      example: "Nehalem",
    }),
    numa: checks.numa.default(1).meta({
      title: "a whole number from 1 to 8",
      description:
        "NUMA nodes that share processors and memory evenly; more than one needs CONFIG_NUMA",
    }),
    accel: checks.accel.default("auto").meta({
      title: choicesText(ACCELERATORS),
      description: "accelerator; auto tries KVM and falls back to emulation",
    }),
    privilege: checks.privilege.default("privileged").meta({
      title: "privileged or least",
      description: "what the VM's container may do; least grants NET_ADMIN and the devices only",
    }),
    nic: checks.nic
      .default("virtio")
      .meta({ title: "virtio or e1000", description: "network card of the guest" }),
    net: z
      .strictObject({
        mode: checks.mode.default("bridge").meta({
          title: choicesText(NET_MODES),
          description:
            "where the guest's bridge is: in the VM's container, or on the host; user is QEMU's own network, none no card",
        }),
        subnet: text(autoOrSubnet).prefault("auto").meta({
          title: "auto or an IPv4 network such as 10.0.3.0/24",
          description:
            "the guest's network; auto is 10.0.3.0/24, or another where that clashes with a route or a Docker network",
        }),
        ipv6: z
          .union([z.boolean(), z.string()])
          .transform(parsed(parseIpv6Setting))
          .prefault(true)
          .meta({
            title: "true, false or an IPv6 /64 such as fd00:1:2:3::/64",
            description: "addresses of the guest for IPv6; true is fd6b:646f:636b:3::/64",
          }),
      })
      .prefault({})
      .meta({ description: "the guest's network" }),
    ports: checks.ports.prefault([]).meta({
      title: "a list of [ADDRESS:]HOST:GUEST[/udp]",
      description: "ports of the guest on the host; the address is 127.0.0.1 unless given",
      example: ["9090:9090", "0.0.0.0:5353:53/udp"],
    }),
    disks: checks.disks.prefault([]).meta({
      title: "a list of FILE[:ro] or sizes",
      description:
        "disks, /dev/vda first: raw or qcow2 images, or an empty one of that size, gone with the VM",
      example: ["./data.img", "/srv/images/base.qcow2:ro", "1G"],
    }),
    shares: checks.shares.prefault([]).meta({
      title: "a list of FOLDER[:/MOUNTPOINT][:rw]",
      description:
        "folders of the host in the guest, on /mnt/NAME unless given; the guest writes to those with rw",
      example: ["./data", "../modules:/mnt/ko:rw"],
    }),
    dumpOnPanic: checks.dumpOnPanic.default(false).meta({
      title: "true or false",
      description: "keep the guest's memory in .kdock/dumps when its kernel panics",
    }),
    qemu: checks.qemu
      .default([])
      .meta({ title: "a list of texts", description: "more arguments for QEMU" }),
  })
  .prefault({})
  .meta({ description: "the virtual machine" });

/** A name becomes part of a container's, and is the guest's host name: what RFC 1123 allows, short. */
const VM_NAME = /^[a-z]([a-z0-9-]{0,30}[a-z0-9])?$/;

/** Why a VM cannot be called that; undefined when it can. */
export function vmNameProblem(name: string): string | undefined {
  if (VM_NAME.test(name)) return undefined;
  return `${name} cannot be a VM's name: lower-case letters, digits and dashes, 32 at most, a letter first`;
}

export const vms = z
  .record(
    z.string().superRefine((name, context) => {
      const problem = vmNameProblem(name);
      if (problem !== undefined) context.addIssue({ code: "custom", message: problem });
    }),
    z.strictObject({
      cpus: checks.cpus.optional(),
      memory: checks.memory.optional(),
      cpu: checks.cpu.optional(),
      numa: checks.numa.optional(),
      disks: checks.disks.optional(),
      append: checks.append.optional(),
      accel: checks.accel.optional(),
      privilege: checks.privilege.optional(),
      nic: checks.nic.optional(),
      net: z.strictObject({ mode: checks.mode.optional() }).optional(),
      ports: checks.ports.optional(),
      shares: checks.shares.optional(),
      dumpOnPanic: checks.dumpOnPanic.optional(),
      qemu: checks.qemu.optional(),
      gdb: listen.optional(),
    }),
  )
  .default({})
  .meta({
    title: "a map of names to keys of vm, and gdb",
    description: "several VMs on one network, for `kdock up`: what is special about each, by name",
    example: { server: { ports: ["9090:9090"] }, client: { memory: "256M", gdb: 1240 } },
  });

export const gdb = z
  .strictObject({
    enable: z
      .boolean()
      .default(true)
      .meta({ title: "true or false", description: "offer a gdbserver; turns KASLR off" }),
    listen: listen.prefault("127.0.0.1:1234").meta({
      title: "ADDRESS:PORT or a port",
      description: "where the host listens for gdb; port 0 picks a free one",
    }),
    scripts: z
      .array(z.string().regex(/^[^\r\n]+$/, "must be a path on one line"))
      .default([])
      .meta({
        title: "a list of paths",
        description: "gdb scripts, relative to this file, that kdock.gdb sources last, in order",
        example: ["./tcp.gdb"],
      }),
  })
  .prefault({})
  .meta({ description: "the gdbserver" });

export const images = z
  .strictObject({
    registry: z
      .string()
      .regex(/^[^@]*$/, "expected a registry's name, without a user or password")
      .transform((registry) => (registry === "none" ? "" : registry))
      .prefault("docker.io/library")
      .meta({
        title: "a registry or none",
        description: "where base images are pulled from; none asks no registry",
      }),
    mirror: z
      .url({ protocol: /^https?$/, error: "expected a http or https URL" })
      .check(noPassword)
      .optional()
      .meta({
        title: "a URL",
        description:
          "Debian mirror to use instead of the usual one; debian-security beside it is asked, too",
        example: "https://mirror.example/debian",
      }),
    snapshot: z
      .string()
      .regex(
        /^https?:\/\/\S*@SNAPSHOTID@\S*$/,
        "expected a http or https URL with @SNAPSHOTID@ in it",
      )
      .check(noPassword)
      .optional()
      .meta({
        title: "a URL with @SNAPSHOTID@",
        description: "snapshot archive that has what the lock pins and mirrors no longer have",
        example: "https://snapshot.example/archive/debian/@SNAPSHOTID@",
      }),
    base: z.enum(["auto", "registry", "bootstrap"]).default("auto").meta({
      title: "auto, registry or bootstrap",
      description: "base images from a registry or from a Debian mirror; auto tries both",
    }),
  })
  .prefault({})
  .meta({ description: "the images that builds run in" });

/** A text that becomes something else, or is refused for the reason that `parse` gives. */
function text<T>(parse: (text: string) => Parsed<T>) {
  return z.string().transform(parsed(parse));
}

function parsed<I, T>(parse: (input: I) => Parsed<T>) {
  return (input: I, context: z.RefinementCtx<I>): T => {
    const result = parse(input);
    if ("value" in result) return result.value;
    context.issues.push({ code: "custom", message: result.problem, input });
    return z.NEVER;
  };
}

/** Whether QEMU knows it is for QEMU to say. */
function parseCpu(input: string): Parsed<string> {
  if (/^\d{1,2}$/.test(input)) {
    return {
      problem: `a processor's model has a name; how many there are is vm.cpus, --cpus ${input}`,
    };
  }
  if (/^[\w.-]+(?:,[+-]?[\w.:-]+(?:=[\w.:+-]+)?)*$/.test(input)) return { value: input };
  return {
    problem: `expected MODEL[,+FEATURE][,-FEATURE], for example Nehalem or max,-avx512f, got "${input}"`,
  };
}

function autoOrSubnet(input: string): Parsed<string> {
  return input === "auto" ? { value: input } : parseSubnet(input);
}

function memoryMiB(input: string): Parsed<number> {
  const [, digits, unit] = /^(\d+)([MG])$/i.exec(input) ?? [];
  if (digits === undefined) {
    return { problem: `expected a size such as 512M or 2G, got "${input}"` };
  }
  const value = Number(digits) * (unit?.toUpperCase() === "G" ? 1024 : 1);
  if (value >= MIN_MEMORY_MIB) return { value };
  return { problem: `a kernel needs at least ${MIN_MEMORY_MIB}M, got ${input}` };
}
