/** A process of a VM's container, by what /proc/PID/status says of it. */
export interface ContainerProcess {
  /** Its script, or its program where it runs none: "dnsmasq", "router.pl". */
  readonly name: string;
  /** Real, effective, saved and of the file system: one number where all are the same. */
  readonly user: string;
  /** The union of those it has and those it may raise. */
  readonly capabilities: readonly string[];
  readonly noNewPrivileges: boolean;
}

/** Bits of /usr/include/linux/capability.h that a VM's container is given. */
const CAPABILITIES: Readonly<Record<number, string>> = {
  0: "chown",
  3: "fowner",
  6: "setgid",
  7: "setuid",
  8: "setpcap",
  10: "net_bind_service",
  12: "net_admin",
  13: "net_raw",
};

/** Every process but itself; arguments are separated by \x1f, and what has ended and nobody has waited for has none. */
const LOOK = `
for path in /proc/[0-9]*; do
  if [ "$path" = "/proc/$$" ]; then continue; fi
  # One that has ended by now has none.
  arguments=$(tr '\\0\\n' '\\037 ' <"$path/cmdline") || continue
  status=$(grep -E '^(Name|State|Uid|CapPrm|CapEff|CapAmb|NoNewPrivs):' "$path/status") || continue
  printf '%s\\n%s\\n.\\n' "$arguments" "$status"
done 2>/dev/null
true`;

/** `exec` runs a shell script as root of the container, and resolves with its output. */
export async function processesOf(
  exec: (script: string) => Promise<string>,
): Promise<ContainerProcess[]> {
  const blocks = (await exec(LOOK))
    .split(/^\.$/m)
    .filter((block) => block.trim() !== "" && !/^State:\s*[ZX]/m.test(block));
  return blocks.map(parse).sort((one, other) => one.name.localeCompare(other.name));
}

function parse(block: string): ContainerProcess {
  const [first = "", ...lines] = block.replace(/^\n/, "").split("\n");
  const [program = "", ...words] = first.split("\x1f");
  const fact = (key: string) => {
    const line = lines.find((each) => each.startsWith(`${key}:`));
    if (line === undefined) throw new Error(`no ${key} in ${block}`);
    return line.slice(key.length + 1).trim();
  };
  const script = words.find((word) => /^\/usr\/local\/lib\/kdock\/[\w-]+\.(sh|pl)$/.test(word));
  const bits = ["CapPrm", "CapEff", "CapAmb"].reduce(
    (all, key) => all | BigInt(`0x${fact(key)}`),
    0n,
  );
  return {
    name: (script ?? (program === "" ? fact("Name") : program)).replace(/^.*\//, ""),
    user: [...new Set(fact("Uid").split(/\s+/))].join(","),
    capabilities: capabilitiesOf(bits),
    noNewPrivileges: fact("NoNewPrivs") === "1",
  };
}

function capabilitiesOf(bits: bigint): string[] {
  return Array.from({ length: 64 }, (_, bit) => bit)
    .filter((bit) => (bits >> BigInt(bit)) & 1n)
    .map((bit) => CAPABILITIES[bit] ?? String(bit));
}

/** What reads a guest's bytes, and the one user of each, by images/vm/Dockerfile. */
export const READERS = {
  qemu: "1000",
  dns: "65101",
  capture: "65102",
  router: "65103",
  shape: "65104",
} as const;

/** A process that reads a guest's bytes: without capabilities unless they are named, and no way to any. */
export function reader(
  name: string,
  user: string,
  capabilities: readonly string[] = [],
): ContainerProcess {
  return { name, user, capabilities, noNewPrivileges: true };
}

/**
 * Scripts that are root because of what they do at the end. They read nothing of a guest: shape.sh waits for shape.pl and
 * then puts the bridge right; capture.sh waits for kdock's end of the connection and ends tcpdump.
 */
const ROOT_SCRIPTS: ReadonlySet<string> = new Set(["shape.sh", "capture.sh"]);
/** What capture.sh reads kdock's words with, and waits with. */
const CAPTURE_TOOLS: readonly string[] = ["cat", "sleep"];

export function isRootScript({ name, user }: ContainerProcess): boolean {
  return user === "0" && (ROOT_SCRIPTS.has(name) || CAPTURE_TOOLS.includes(name));
}
