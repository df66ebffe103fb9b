import { parseListen, parsePort, parseSubnet, type Parsed } from "./addresses.js";
import { diskFrom, MAX_DISKS, parseDisk } from "./disks.js";
import { parseShare, repeatedMountPoint, shareFrom } from "./shares.js";
import { parseIpv6Setting } from "./subnet6.js";
import { parsed, parsedText, parsedTextOrInteger, type ValueType } from "./types.js";
import type { DiskRequest, PortForward, Share } from "./values.js";

const MIN_MEMORY_MIB = 64;
/** Each takes one of the machine's slots. */
const MAX_SHARES = 16;

export const MEMORY = parsedText("a size such as 512M or 2G", memoryMiB);

// YAML reads 486, and what was meant for vm.cpus, as numbers.
export const CPU_MODEL = parsedTextOrInteger("MODEL[,+FEATURE][,-FEATURE]", parseCpu);

export const COMMAND_LINE: ValueType<string, string> = {
  kind: "text",
  form: "text",
  schema: (zod) =>
    zod
      .string()
      .trim()
      // eslint-disable-next-line no-control-regex -- a kernel command line is one line
      .regex(/^[^\u0000-\u001f]*$/, "must be one line without tabs"),
};

export const SUBNET = parsedText("auto or an IPv4 network such as 10.0.3.0/24", (text) =>
  text === "auto" ? { value: text } : parseSubnet(text),
);

export const IPV6: ValueType<boolean | string, string | undefined> = {
  kind: "text-or-boolean",
  form: "true, false or an IPv6 /64 such as fd00:1:2:3::/64",
  schema: (zod) =>
    zod.union([zod.boolean(), zod.string()]).transform(parsed(zod, parseIpv6Setting)),
};

export const LISTEN = parsedTextOrInteger("ADDRESS:PORT or a port", parseListen);

export const PORTS: ValueType<readonly string[], readonly PortForward[]> = {
  kind: "list",
  form: "a list of [ADDRESS:]HOST:GUEST[/udp]",
  schema: (zod) =>
    zod.array(parsedText("", parsePort).schema(zod)).superRefine((ports, context) => {
      const seen = new Set<string>();
      ports.forEach(({ hostAddress, hostPort, protocol }, index) => {
        const key = `${hostAddress}:${hostPort}/${protocol}`;
        if (hostPort !== 0 && seen.has(key)) {
          context.addIssue({ code: "custom", message: `${key} is given twice`, path: [index] });
        }
        seen.add(key);
      });
    }),
};

export const DISKS: ValueType<readonly string[], readonly DiskRequest[]> = {
  kind: "list",
  form: "a list of FILE[:ro] or sizes",
  typedIn: diskFrom,
  schema: (zod) =>
    zod.array(parsedText("", parseDisk).schema(zod)).superRefine((disks, context) => {
      if (disks.length > MAX_DISKS) {
        context.addIssue({ code: "custom", message: `a VM has ${MAX_DISKS} disks at most` });
      }
    }),
};

export const SHARES: ValueType<readonly string[], readonly Share[]> = {
  kind: "list",
  form: "a list of FOLDER[:/MOUNTPOINT][:rw]",
  typedIn: shareFrom,
  schema: (zod) =>
    zod.array(parsedText("", parseShare).schema(zod)).superRefine((shares, context) => {
      const twice = repeatedMountPoint(shares);
      if (twice !== undefined) {
        const message = `${shares[twice]?.mountPoint ?? ""} is given twice`;
        context.addIssue({ code: "custom", message, path: [twice] });
      }
      if (shares.length > MAX_SHARES) {
        context.addIssue({ code: "custom", message: `a VM has ${MAX_SHARES} shares at most` });
      }
    }),
};

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

function memoryMiB(input: string): Parsed<number> {
  const [, digits, unit] = /^(\d+)([MG])$/i.exec(input) ?? [];
  if (digits === undefined) {
    return { problem: `expected a size such as 512M or 2G, got "${input}"` };
  }
  const value = Number(digits) * (unit?.toUpperCase() === "G" ? 1024 : 1);
  if (value >= MIN_MEMORY_MIB) return { value };
  return { problem: `a kernel needs at least ${MIN_MEMORY_MIB}M, got ${input}` };
}
