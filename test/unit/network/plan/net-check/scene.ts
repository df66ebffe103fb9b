import {
  type ContainerFacts,
  parseContainerFacts,
} from "../../../../../src/network/plan/net-check/facts.js";
import {
  type GuestFacts,
  parseGuestFacts,
} from "../../../../../src/network/plan/net-check/facts.js";
import type { Ping } from "../../../../../src/network/plan/net-check/ping.js";
import type { Scene } from "../../../../../src/network/plan/net-check/scene.js";

/** The container script's output for a working network, without unused lines. */
export const CONTAINER_TEXT = `
%env
KDOCK_PORTS=tcp/8080/80 udp/53/53
KDOCK_GATEWAY=10.0.3.1/24
KDOCK_GUEST_MAC=52:54:00:6b:64:02
KDOCK_GATEWAY6=fd6b:646f:636b:3::1/64
KDOCK_GUEST=10.0.3.2
KDOCK_GUEST6=fd6b:646f:636b:3::2

%mode

%uplink
eth0

%no-gateway6

%addr
[{"ifname":"lo","flags":["LOOPBACK","UP"],"mtu":65536,"addr_info":[{"local":"127.0.0.1","prefixlen":8,"scope":"host"}]},
{"ifname":"br0","flags":["UP"],"mtu":1500,"addr_info":[{"local":"10.0.3.1","prefixlen":24,"scope":"global"},{"local":"fd6b:646f:636b:3::1","prefixlen":64,"scope":"global"},{"local":"fe80::1","prefixlen":64,"scope":"link"}]},
{"ifname":"tap0","flags":["UP"],"mtu":1500,"master":"br0","addr_info":[]},
{"ifname":"eth0","flags":["UP"],"mtu":1500,"addr_info":[{"local":"172.19.0.2","prefixlen":16,"scope":"global"}]},
{"ifname":"lan0","flags":["UP"],"mtu":1500,"master":"br0","addr_info":[]}]

%route
[{"dst":"default","gateway":"172.19.0.1","dev":"eth0","flags":[]}]

%bridge
[{"ifname":"tap0","master":"br0","state":"forwarding","flood":true},{"ifname":"lan0","master":"br0","state":"forwarding","flood":true}]

%iptables
*filter
:INPUT ACCEPT [270:72564]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:KDOCK_GDB - [0:0]
-A INPUT -p tcp -m tcp --dport 1234 -j KDOCK_GDB
-A FORWARD -i br0 -o br0 -j ACCEPT
-A FORWARD -s 10.0.3.0/24 -i br0 -j ACCEPT
-A FORWARD -o br0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -o br0 -m conntrack --ctstate DNAT -j ACCEPT
-A KDOCK_GDB -i lo -j ACCEPT
-A KDOCK_GDB -s 172.19.0.1/32 -i eth0 -j ACCEPT
-A KDOCK_GDB -p tcp -j REJECT --reject-with tcp-reset
COMMIT
*nat
:PREROUTING ACCEPT [148:28231]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:DOCKER_OUTPUT - [0:0]
-A PREROUTING ! -i br0 -p udp -m udp --dport 53 -j DNAT --to-destination 10.0.3.2:53
-A PREROUTING ! -i br0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 10.0.3.2:80
-A OUTPUT -d 127.0.0.11/32 -j DOCKER_OUTPUT
-A POSTROUTING -s 10.0.3.0/24 ! -o br0 -j MASQUERADE
-A DOCKER_OUTPUT -d 127.0.0.11/32 -p udp -m udp --dport 53 -j DNAT --to-destination 127.0.0.11:48459
COMMIT

%sysctl
net/ipv4/ip_forward 1
net/ipv4/conf/br0/forwarding 1
net/ipv4/icmp_echo_ignore_all 0
net/ipv4/conf/eth0/forwarding 1

%dnsmasq
runs

%resolver
127.0.0.11

%qdisc
qdisc pfifo_fast 0: root refcnt 2 bands 3 priomap 1 2 2 2 1 2 0 0 1 1 1 1 1 1 1 1

%shape

%snmp
Icmp: InMsgs InEchos InEchoReps OutMsgs OutEchoReps
Icmp: 87 12 0 87 11
`;

export const GUEST_TEXT = `
%card
eth0

%flags
0x1003

%carrier
1

%mtu
1500

%addr
3: eth0    inet 10.0.3.2/24 brd 10.0.3.255 scope global eth0\\       valid_lft forever preferred_lft forever
3: eth0    inet6 fd6b:646f:636b:3::2/64 scope global \\       valid_lft forever preferred_lft forever
3: eth0    inet6 fe80::5054:ff:fe6b:6402/64 scope link \\       valid_lft forever preferred_lft forever

%route
default via 10.0.3.1 dev eth0 
10.0.3.0/24 dev eth0 scope link  src 10.0.3.2 

%resolvers
10.0.3.1

%packet
yes

%ipv6
yes

%tcp
  sl  local_address rem_address   st
   0: 00000000:0050 00000000:0000 0A 00000000:00000000
   1: 0203000A:0050 0103000A:C350 01 00000000:00000000

%udp
   sl  local_address rem_address   st
  10: 00000000:0035 00000000:0000 07 00000000:00000000

%cmdline
console=ttyS0 kdock.ip6=fd6b:646f:636b:3::2/64
`;

export const NAMES = {
  ...{ container: "kdock-x-vm", exec: "kdock exec --", vm: "vm", suffix: "" },
} as const;

/** A replacement in a script's output; `from` must occur. */
export type Change = readonly [from: string, to: string];

function changed(text: string, changes: readonly Change[]): string {
  return changes.reduce((now, [from, to]) => {
    if (!now.includes(from)) throw new Error(`nothing to change: ${from}`);
    return now.replace(from, to);
  }, text);
}

export function containerWith(...changes: readonly Change[]): ContainerFacts {
  return parseContainerFacts(changed(CONTAINER_TEXT, changes));
}

export function guestWith(...changes: readonly Change[]): GuestFacts {
  return parseGuestFacts(changed(GUEST_TEXT, changes));
}

/** A working network, with changes in the container script's or the guest script's output. */
export function scene({
  container = [],
  guest = [],
}: {
  readonly container?: readonly Change[];
  readonly guest?: readonly Change[];
} = {}): Scene {
  return { names: NAMES, container: containerWith(...container), guest: guestWith(...guest) };
}

export const ANSWERED: Ping = {
  ...{ sent: 3, received: 3, ms: 0.5, error: undefined, arrived: 3, accepted: 3 },
};
export const LOST: Ping = {
  ...{ sent: 3, received: 0, ms: undefined, error: undefined, arrived: 0, accepted: 0 },
};
