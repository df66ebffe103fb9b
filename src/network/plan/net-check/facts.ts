import { INSIDE, LINK } from "../../../core/plan/names.js";
import { type Firewall, parseFirewall } from "./firewall.js";

/** The sections of a script's output: each begins with a line "%name". */
export function sections(text: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const part of text.split(/^%/m).slice(1)) {
    const end = part.indexOf("\n");
    found.set(part.slice(0, end), part.slice(end + 1).trim());
  }
  return found;
}

/** A section's text, or `otherwise` if it is empty or missing. */
function textOf(of: ReadonlyMap<string, string>, name: string, otherwise: string): string {
  const text = of.get(name) ?? "";
  return text === "" ? otherwise : text;
}

export interface Link {
  readonly name: string;
  readonly mtu: number;
  readonly isUp: boolean;
  /** The link's bridge. */
  readonly master: string | undefined;
  /** "10.0.3.1/24", IPv4 and global IPv6. */
  readonly addresses: readonly string[];
}

export interface BridgePort {
  readonly state: string;
  /** Whether the bridge floods frames to the port; off for a tap while the stand-in for netem delivers its frames. */
  readonly floods: boolean;
}

/** The network's state in a VM's container. */
export interface ContainerFacts {
  /** "bridge", or the "host", "user" or "none" that start.sh has recorded. */
  readonly mode: string;
  /** The configured addresses: "10.0.3.1/24", "10.0.3.2". */
  readonly gateway: string;
  readonly guest: string;
  readonly guestMac: string;
  /** The configured IPv6 addresses; "" for none. */
  readonly gateway6: string;
  readonly guest6: string;
  /** Why ipv6.sh configured no gateway; else "". */
  readonly noGateway6: string;
  readonly published: readonly GuestPort[];
  readonly uplink: string;
  readonly links: ReadonlyMap<string, Link>;
  readonly ports: ReadonlyMap<string, BridgePort>;
  /** "172.20.0.1", or undefined. */
  readonly defaultRoute: string | undefined;
  readonly firewall: Firewall;
  /** By path below /proc/sys: "net/ipv4/ip_forward" → "1". */
  readonly sysctls: ReadonlyMap<string, string>;
  readonly dnsmasq: { readonly runs: boolean; readonly lastError: string };
  /** The container's DNS server; undefined or "" for none. */
  readonly resolver: string | undefined;
  /** The tap's queueing disciplines that may lose or delay frames, as `tc qdisc show` prints them. */
  readonly qdiscs: readonly string[];
  /** The setting of `kdock net shape`; "" for none. */
  readonly shape: string;
  readonly echoes: Echoes;
}

export interface GuestPort {
  readonly protocol: "tcp" | "udp";
  /** The container's port. */
  readonly port: number;
  readonly guestPort: number;
}

/** The kernel's counters of echo requests received and echo replies sent. */
export interface Echoes {
  readonly requests: number;
  readonly replies: number;
}

const SYSCTLS = [
  "net/ipv4/ip_forward",
  `net/ipv4/conf/${LINK.bridge}/forwarding`,
  "net/ipv4/icmp_echo_ignore_all",
] as const;

/** Runs in the VM's container, with start.sh's environment. */
export const CONTAINER_SCRIPT = `
section() { printf '\\n%%%s\\n' "$1"; }
uplink=$(cat ${INSIDE.uplink} 2>/dev/null)
# In mode user QEMU's connections leave by the default route; start.sh sets up nothing for that.
case "$(cat ${INSIDE.netMode} 2>/dev/null)" in
  user) uplink=$(ip -o -4 route show default | sed -n 's/.* dev \\([^ ]*\\).*/\\1/p' | head -n 1) ;;
esac
section env; env | grep ^KDOCK_
section mode; cat ${INSIDE.netMode} 2>/dev/null
section uplink; echo "$uplink"
section no-gateway6; cat ${INSIDE.noGateway6} 2>/dev/null
section addr; ip -j addr
section route; ip -j -4 route show default
section bridge; bridge -j -d link
section iptables; iptables-save 2>/dev/null
section sysctl
for key in ${SYSCTLS.join(" ")} net/ipv4/conf/$uplink/forwarding; do
  echo "$key $(cat /proc/sys/$key 2>/dev/null)"
done
section dnsmasq
pid=$(cat ${INSIDE.dnsmasqPid} 2>/dev/null)
[ "$(cat "/proc/$pid/comm" 2>/dev/null)" = dnsmasq ] && ! grep -q '^State:[[:space:]]*[TZ]' "/proc/$pid/status" && echo runs
grep -iE "exit|fail|cannot|error" ${INSIDE.dnsmasqLog} 2>/dev/null | grep -vE "chown of PID file|change owner of" | tail -n 1
section resolver; sed -n 's/^nameserver *//p' /etc/resolv.conf | head -n 1
section qdisc; tc qdisc show dev ${LINK.tap} 2>/dev/null
section shape; [ -e /sys/class/net/${LINK.tap} ] && sh ${INSIDE.shapeScript} show 2>/dev/null
section snmp; cat /proc/net/snmp
exit 0
`;

interface IpLink {
  readonly ifname: string;
  readonly mtu: number;
  readonly flags: readonly string[];
  readonly master?: string;
  readonly addr_info: readonly {
    readonly local?: string;
    readonly prefixlen: number;
    readonly scope: string;
  }[];
}

interface BridgeLink {
  readonly ifname: string;
  readonly state: string;
  readonly flood?: boolean;
}

export function parseContainerFacts(text: string): ContainerFacts {
  const of = sections(text);
  const env = pairs(of.get("env"), "=");
  const json = (name: string): unknown[] => JSON.parse(textOf(of, name, "[]")) as unknown[];
  const [routed] = json("route") as { gateway?: string }[];
  const [first = "", ...errors] = (of.get("dnsmasq") ?? "").split("\n");
  return {
    mode: textOf(of, "mode", "bridge"),
    gateway: env.get("KDOCK_GATEWAY") ?? "",
    guest: env.get("KDOCK_GUEST") ?? "",
    guestMac: env.get("KDOCK_GUEST_MAC") ?? "",
    gateway6: env.get("KDOCK_GATEWAY6") ?? "",
    guest6: env.get("KDOCK_GUEST6") ?? "",
    noGateway6: of.get("no-gateway6") ?? "",
    published: (env.get("KDOCK_PORTS") ?? "").split(" ").filter(Boolean).map(parsePort),
    uplink: of.get("uplink") ?? "",
    links: new Map((json("addr") as IpLink[]).map((link) => [link.ifname, parseLink(link)])),
    ports: new Map(
      (json("bridge") as BridgeLink[]).map(({ ifname, state, flood }) => [
        ifname,
        { state, floods: flood !== false },
      ]),
    ),
    defaultRoute: routed && (routed.gateway ?? ""),
    firewall: parseFirewall(of.get("iptables") ?? ""),
    sysctls: pairs(of.get("sysctl"), " "),
    dnsmasq: {
      runs: first === "runs",
      lastError: errors.at(-1) ?? (first === "runs" ? "" : first),
    },
    resolver: of.get("resolver"),
    qdiscs: (of.get("qdisc") ?? "").split("\n").filter((line) => DISTURBS.test(line)),
    shape: (of.get("shape") ?? "").replace(/^(netem|stand-in) /, ""),
    echoes: parseEchoes(of.get("snmp") ?? ""),
  };
}

/** All queueing disciplines but plain queues. */
const DISTURBS = /^qdisc (?!noqueue|fq_codel|pfifo_fast|pfifo|mq|fq )/;

function pairs(text = "", by: string): ReadonlyMap<string, string> {
  return new Map(
    text.split("\n").map((line) => {
      const at = line.indexOf(by);
      return [line.slice(0, at), line.slice(at + 1)] as const;
    }),
  );
}

function parsePort(text: string): GuestPort {
  const [protocol, port, guestPort] = text.split("/");
  return {
    protocol: protocol === "udp" ? "udp" : "tcp",
    port: Number(port),
    guestPort: Number(guestPort),
  };
}

function parseLink({ ifname, mtu, flags, master, addr_info: all }: IpLink): Link {
  const addresses = all.filter(({ scope }) => scope === "global");
  return {
    name: ifname,
    mtu,
    isUp: flags.includes("UP"),
    master,
    addresses: addresses.map(({ local = "", prefixlen }) => `${local}/${prefixlen}`),
  };
}

/** A counter of /proc/net/snmp, which has the names on one line and the values on the next. */
export function counter(snmp: string, protocol: string, name: string): number {
  const [names = "", values = ""] = snmp
    .split("\n")
    .filter((line) => line.startsWith(`${protocol}: `));
  const at = names.trim().split(/\s+/).indexOf(name);
  return at < 0 ? 0 : Number(values.trim().split(/\s+/)[at]);
}

export function parseEchoes(snmp: string): Echoes {
  return {
    requests: counter(snmp, "Icmp", "InEchos"),
    replies: counter(snmp, "Icmp", "OutEchoReps"),
  };
}

/** The network's state in the guest. */
export interface GuestFacts {
  /** The network card's name; "" for none. */
  readonly card: string;
  readonly isUp: boolean;
  readonly hasCarrier: boolean;
  readonly mtu: number;
  /** "10.0.3.2/24" */
  readonly addresses: readonly string[];
  /** IPv6, without link-local addresses. */
  readonly addresses6: readonly string[];
  /** The default route's gateway; "" for a route without one, undefined for no default route. */
  readonly defaultRoute: string | undefined;
  readonly resolvers: readonly string[];
  readonly hasPacketSockets: boolean;
  readonly hasIpv6: boolean;
  /** Ports with a listener: "tcp/9090". */
  readonly listening: ReadonlySet<string>;
  readonly commandLine: string;
}

/** Runs in the guest, with busybox; $1 is the card's MAC address. */
export const GUEST_SCRIPT = `
section() { printf '\\n%%%s\\n' "$1"; }
card=
for path in /sys/class/net/*; do
  [ -e "$path/device" ] || continue
  [ -n "$card" ] || card=\${path##*/}
  if [ "$(cat "$path/address")" = "$1" ]; then card=\${path##*/}; fi
done
net=/sys/class/net/$card
section card; echo "$card"
section flags; [ -n "$card" ] && cat "$net/flags"
section carrier; [ -n "$card" ] && cat "$net/carrier" 2>/dev/null
section mtu; [ -n "$card" ] && cat "$net/mtu"
section addr; [ -n "$card" ] && ip -o addr show dev "$card" 2>/dev/null
section route; ip route 2>/dev/null
section resolvers; sed -n 's/^nameserver *//p' /etc/resolv.conf 2>/dev/null
section packet; [ -e /proc/net/packet ] && echo yes
section ipv6; [ -e /proc/net/if_inet6 ] && echo yes
section tcp; cat /proc/net/tcp /proc/net/tcp6 2>/dev/null
section udp; cat /proc/net/udp /proc/net/udp6 2>/dev/null
section cmdline; cat /proc/cmdline
exit 0
`;

const IFF_UP = 1;

export function parseGuestFacts(text: string): GuestFacts {
  const of = sections(text);
  const lines = (name: string) => (of.get(name) ?? "").split("\n").filter((line) => line !== "");
  const addresses = [...(of.get("addr") ?? "").matchAll(/ inet6? (\S+) .*?scope (\S+)/g)]
    .filter(([, , scope]) => scope === "global")
    .map(([, address = ""]) => address);
  const route = lines("route").find((line) => line.startsWith("default "));
  return {
    card: of.get("card") ?? "",
    isUp: (Number(textOf(of, "flags", "0")) & IFF_UP) !== 0,
    hasCarrier: of.get("carrier") === "1",
    mtu: Number(textOf(of, "mtu", "0")),
    addresses: addresses.filter((address) => !address.includes(":")),
    addresses6: addresses.filter((address) => address.includes(":")),
    defaultRoute: route && (/ via (\S+)/.exec(route)?.[1] ?? ""),
    resolvers: lines("resolvers").map((line) => line.trim()),
    hasPacketSockets: of.get("packet") === "yes",
    hasIpv6: of.get("ipv6") === "yes",
    listening: new Set([
      ...lines("tcp").flatMap((line) => listener("tcp", line)),
      ...lines("udp").flatMap((line) => listener("udp", line)),
    ]),
    commandLine: of.get("cmdline") ?? "",
  };
}

/** A listener's state in /proc/net; an unconnected UDP socket is in state TCP_CLOSE. */
const LISTENS = { tcp: "0A", udp: "07" } as const;

function listener(protocol: "tcp" | "udp", line: string): string[] {
  const [, local = "", , state] = line.trim().split(/\s+/);
  const port = parseInt(local.split(":")[1] ?? "", 16);
  return state === LISTENS[protocol] && port > 0 ? [`${protocol}/${port}`] : [];
}
