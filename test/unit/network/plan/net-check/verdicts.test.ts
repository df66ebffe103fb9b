import { describe, expect, it } from "vitest";
import { type Finding, ok } from "../../../../../src/core/plan/finding.js";
import { dnsFinding } from "../../../../../src/network/plan/net-check/dns.js";
import { gatewayFinding } from "../../../../../src/network/plan/net-check/gateway.js";
import { guestFinding, untouchedGuest } from "../../../../../src/network/plan/net-check/guest.js";
import { inwardFinding, portFinding } from "../../../../../src/network/plan/net-check/inward.js";
import { ipv6Finding } from "../../../../../src/network/plan/net-check/ipv6.js";
import { mtuFinding } from "../../../../../src/network/plan/net-check/mtu.js";
import { natFinding } from "../../../../../src/network/plan/net-check/nat.js";
import { neighbourFinding } from "../../../../../src/network/plan/net-check/neighbour.js";
import {
  containerFinding,
  wayOutFinding,
} from "../../../../../src/network/plan/net-check/outside.js";
import { ANSWERED, type Change, LOST, NAMES, scene } from "./scene.js";

const FINE = ok("x", "");
const FAILED: Finding = { verdict: "fail", subject: "x", text: "", mend: "" };
const PEER = {
  kind: "tried",
  address: "172.19.0.4",
  seenAs: "172.19.0.2",
  expected: "172.19.0.2",
} as const;
const FORWARD_IN = "-A FORWARD -s 10.0.3.0/24 -i br0 -j ACCEPT\n";
const REPLIES_IN = "-A FORWARD -o br0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n";
const PUBLISHED_IN = "-A FORWARD -o br0 -m conntrack --ctstate DNAT -j ACCEPT\n";
const MASQUERADE = "-A POSTROUTING -s 10.0.3.0/24 ! -o br0 -j MASQUERADE\n";

/** Expects a verdict, and texts that the finding and its fix contain. */
function expectFinding(found: Finding, verdict: Finding["verdict"], text = "", mend = "") {
  expect(found).toMatchObject({ verdict, text: expect.stringContaining(text) as string });
  if (mend === "") return;
  expect(found.mend).toContain(mend);
}

describe("guestFinding", () => {
  const judge = (...changes: readonly Change[]) => {
    const { guest: facts, ...all } = scene({ guest: changes });
    return guestFinding(all, { kind: "answers", ms: 40, facts });
  };

  it("is ok with an address", () => {
    expect(judge()).toEqual(ok("guest", "answers in 40 ms; eth0 has 10.0.3.2/24"));
  });

  it.each<[string, Change, string]>([
    ["no driver for the network card", ["%card\neth0", "%card\n"], "CONFIG_VIRTIO_NET"],
    ["eth0 is down", ["0x1003", "0x1002"], "ip link set eth0 up"],
    ["no carrier", ["%carrier\n1", "%carrier\n0"], "kdock run"],
    ["no IPv4 address", ["inet 10.0.3.2/24", "none"], "udhcpc -i eth0"],
    [
      "10.0.3.9/24 instead of 10.0.3.2",
      ["inet 10.0.3.2/24", "inet 10.0.3.9/24"],
      "ip addr add 10.0.3.2/24",
    ],
  ])("fails: %s", (text, change, mend) => {
    expectFinding(judge(change), "fail", text, mend);
  });

  it("explains a missing address by kdock.ip=none or missing packet sockets", () => {
    const none: Change = ["inet 10.0.3.2/24", "none"];
    expectFinding(judge(none, ["console", "kdock.ip=none console"]), "fail", "kdock.ip=none");
    expectFinding(judge(none, ["%packet\nyes", "%packet\n"]), "fail", "", "CONFIG_PACKET=y");
  });

  it("fails for a guest that does not answer", () => {
    const state = { kind: "silent", why: "it is stopped", mend: "let it go on" } as const;
    expectFinding(guestFinding(scene(), state), "fail", "it is stopped", "let it go on");
  });
});

describe("gatewayFinding", () => {
  const judge = (container: readonly Change[], probe = { ping: LOST, requests: 0, replies: 0 }) =>
    gatewayFinding(scene({ container }), probe);
  const BR0_UP = '"br0","flags":["UP"]';

  it("is ok with all replies, and warns about lost ones", () => {
    const probe = { ping: ANSWERED, requests: 0, replies: 0 };
    expect(judge([], probe)).toEqual(
      ok("gateway", "guest → gateway 10.0.3.1: 3 of 3 answered, 0.5 ms"),
    );
    const some = { ...probe, ping: { ...ANSWERED, received: 2 } };
    expectFinding(judge([], some), "warn", "2 of 3 answered", "kdock capture");
    const shaped: Change = ["%shape\n", "%shape\nstand-in loss 30%\n"];
    expectFinding(judge([shaped], some), "warn", "shaped: loss 30%", "kdock net shape off");
  });

  it.each<[string, Change, string]>([
    ["br0 is missing", ['"ifname":"br0"', '"ifname":"brX"'], "kdock run"],
    ["br0 is down", [BR0_UP, '"br0","flags":[]'], "docker exec kdock-x-vm ip link set br0 up"],
    ["tap0 is down", ['"tap0","flags":["UP"]', '"tap0","flags":[]'], "ip link set tap0 up"],
    [
      "tap0 is not in the bridge br0",
      ['"tap0","flags":["UP"],"mtu":1500,"master":"br0"', '"tap0","flags":["UP"],"mtu":1500'],
      "ip link set tap0 master br0",
    ],
    [
      "the bridge port tap0 is disabled",
      ['"state":"forwarding"', '"state":"disabled"'],
      "dev tap0 state 3",
    ],
    ["that shaped them has ended", ['"flood":true', '"flood":false'], "flood on"],
    [
      "br0 has fd6b:646f:636b:3::1/64, expected 10.0.3.1/24",
      ['{"local":"10.0.3.1","prefixlen":24,"scope":"global"},', ""],
      "ip addr add 10.0.3.1/24 dev br0",
    ],
    ["policy of filter INPUT is DROP", [":INPUT ACCEPT [2", ":INPUT DROP [2"], "-A INPUT -i br0"],
    [
      "drops the replies",
      [FORWARD_IN, `${FORWARD_IN}-A OUTPUT -d 10.0.3.2/32 -j DROP\n`],
      "iptables -D OUTPUT -d 10.0.3.2/32 -j DROP",
    ],
    ["answers no pings", ["icmp_echo_ignore_all 0", "icmp_echo_ignore_all 1"], "ignore_all=0"],
    ["are shaped: loss 100%", ["%shape\n", "%shape\nnetem loss 100%\n"], "kdock net shape off"],
    ["has a queueing discipline", ["qdisc pfifo_fast", "qdisc tbf"], "tc qdisc del dev tap0 root"],
  ])("fails: %s", (text, change, mend) => {
    expectFinding(judge([change]), "fail", text, mend);
  });

  it.each([
    [{ ...LOST, error: "sendto: Operation not permitted" }, 0, "blocks outgoing packets"],
    [{ ...LOST, error: "sendto: Network unreachable" }, 0, "the guest has no route"],
    [{ ...LOST, arrived: 3 }, 3, "did not accept them"],
    [LOST, 3, "no reply reached the guest"],
    [LOST, 0, "the container received 2 of 3 pings"],
  ])("fails for %j with %d replies: %s", (ping, replies, text) => {
    expectFinding(judge([], { ping, requests: 2, replies }), "fail", text);
  });

  it("warns without a probe, unless the link has a fault", () => {
    expectFinding(gatewayFinding(scene(), undefined), "warn", "not tried");
    const down = scene({ container: [[BR0_UP, '"br0","flags":[]']] });
    expectFinding(gatewayFinding(down, undefined), "fail", "br0 is down");
  });
});

describe("containerFinding", () => {
  const judge = (
    container: readonly Change[],
    guest: readonly Change[] = [],
    probe: Parameters<typeof containerFinding>[2] = { ...PEER, ping: LOST, seenAs: "" },
  ) => containerFinding(scene({ container, guest }), FINE, probe);

  it("is ok with replies", () => {
    expectFinding(judge([], [], { ...PEER, ping: ANSWERED }), "ok", "172.19.0.4: 3 of 3");
  });

  it.each<[string, Change, string]>([
    ["forwards nothing", ["ip_forward 1", "ip_forward 0"], "net.ipv4.ip_forward=1"],
    ["forwards nothing from br0", ["br0/forwarding 1", "br0/forwarding 0"], "br0.forwarding=1"],
    [
      "drops packets from the guest: the policy of filter FORWARD is DROP",
      [FORWARD_IN, ""],
      "-A FORWARD -i br0 -s 10.0.3.0/24 -j ACCEPT",
    ],
    [
      "drops replies to the guest: the policy of filter FORWARD is DROP",
      [REPLIES_IN, ""],
      "-A FORWARD -o br0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
    ],
    [
      "drops replies to the guest",
      [FORWARD_IN, `${FORWARD_IN}-A FORWARD -p icmp -o br0 -j DROP\n`],
      "iptables -D FORWARD -p icmp -o br0 -j DROP",
    ],
    ["eth0 of the VM's container is down", ['"eth0","flags":["UP"]', '"eth0","flags":[]'], ""],
    ["has no uplink", ["%uplink\neth0", "%uplink\n"], ""],
    [
      "perhaps because of a rule",
      [FORWARD_IN, `-A FORWARD -m statistic --mode random --probability 1 -j DROP\n${FORWARD_IN}`],
      "-D FORWARD -m statistic",
    ],
    ["no answer", ["", ""], "kdock capture --side both icmp"],
  ])("fails: %s", (text, change, mend) => {
    expectFinding(judge([change]), "fail", text, mend);
  });

  it("fails for a guest with a missing or wrong default route", () => {
    const missing = judge([], [["default via 10.0.3.1 dev eth0", ""]]);
    expectFinding(missing, "fail", "no default route", "ip route add default via 10.0.3.1");
    const other = judge([], [["default via 10.0.3.1", "default via 10.0.3.77"]]);
    expectFinding(other, "fail", "via 10.0.3.77", "ip route replace default via 10.0.3.1");
  });

  it("warns when packets would leave untranslated, or the gateway failed", () => {
    expectFinding(
      judge([], [], { kind: "untranslated", address: PEER.address }),
      "warn",
      "see NAT",
    );
    expectFinding(containerFinding(scene(), FAILED, undefined), "warn", "not tried");
  });
});

describe("natFinding and wayOutFinding", () => {
  const judge = (container: readonly Change[], seenAs: string) =>
    natFinding(scene({ container }), { ...PEER, ping: ANSWERED, seenAs });

  it("compare the address that the other container sees", () => {
    expectFinding(judge([], "172.19.0.2"), "ok", "sees 172.19.0.2, not 10.0.3.2");
    expectFinding(judge([], "10.0.3.2"), "fail", "sees 10.0.3.2 instead of the VM's container");
    expectFinding(judge([], ""), "warn", "not tested");
  });

  it("require a rule that translates addresses", () => {
    expectFinding(judge([[MASQUERADE, ""]], ""), "fail", "no MASQUERADE", MASQUERADE.trim());
    const before: Change = [MASQUERADE, `-A POSTROUTING -s 10.0.3.2/32 -j ACCEPT\n${MASQUERADE}`];
    expectFinding(judge([before], ""), "fail", "", "-D POSTROUTING -s 10.0.3.2/32 -j ACCEPT");
    const elsewhere: Change = [MASQUERADE, MASQUERADE.replace("10.0.3.0", "10.0.9.0")];
    expectFinding(judge([elsewhere], ""), "fail", "no MASQUERADE");
  });

  it("require a default route of the container", () => {
    expectFinding(wayOutFinding(scene(), "172.19.0.1"), "ok", "172.19.0.1");
    const lost = scene({
      container: [['{"dst":"default","gateway":"172.19.0.1","dev":"eth0","flags":[]}', ""]],
    });
    expectFinding(
      wayOutFinding(lost, "172.19.0.1"),
      "fail",
      "",
      "add default via 172.19.0.1 dev eth0",
    );
  });
});

describe("dnsFinding", () => {
  const answer = "Address: 172.19.0.4";
  const judge = (
    container: readonly Change[],
    guest: readonly Change[] = [],
    answers = { answer: "", fromGateway: "" },
  ) =>
    dnsFinding(scene({ container, guest }), FINE, {
      name: "peer",
      whose: "the other container's",
      expected: "172.19.0.4",
      ...answers,
    });

  it("is ok with the expected answer", () => {
    expectFinding(judge([], [], { answer, fromGateway: answer }), "ok", "172.19.0.4");
  });

  it("names the cause of a failure", () => {
    expectFinding(judge([], [["%resolvers\n10.0.3.1", "%resolvers\n"]]), "fail", "no resolver");
    expectFinding(
      judge([["runs", "dnsmasq: exiting on receipt of SIGTERM"]]),
      ...(["fail", "exiting on receipt of SIGTERM"] as const),
    );
    expectFinding(
      judge([[FORWARD_IN, `-A INPUT -p udp -m udp --dport 53 -j DROP\n`]]),
      ...(["fail", "the guest's queries", "-D INPUT -p udp -m udp --dport 53"] as const),
    );
    expectFinding(
      judge([["-A OUTPUT -d 127.0.0.11/32 -j DOCKER_OUTPUT\n", ""]]),
      ...(["fail", "was the nat table flushed?"] as const),
    );
    expectFinding(
      judge([], [["%resolvers\n10.0.3.1", "%resolvers\n10.0.3.99"]], {
        answer: "",
        fromGateway: answer,
      }),
      ...(["fail", "asks 10.0.3.99: no answer, while 10.0.3.1 has one", "resolv.conf"] as const),
    );
    expectFinding(judge([]), "fail", "no address", "getent hosts peer");
  });
});

describe("mtuFinding", () => {
  const judge = (container: readonly Change[], guest: readonly Change[], ping = ANSWERED) =>
    mtuFinding(scene({ container, guest }), ping);
  const mtu = (name: string, value: number): Change => [
    `"${name}","flags":["UP"],"mtu":1500`,
    `"${name}","flags":["UP"],"mtu":${value}`,
  ];

  it.each<[Finding["verdict"], string, Change[], Change[], string]>([
    ["ok", "1500 everywhere", [], [], ""],
    ["fail", "has MTU 9000, tap0 1500", [], [["%mtu\n1500", "%mtu\n9000"]], "mtu 1500"],
    ["warn", "has MTU 1400, 1500 is possible", [], [["%mtu\n1500", "%mtu\n1400"]], "mtu 1500"],
    ["fail", "br0 has MTU 1300", [mtu("br0", 1300)], [], "ip link set br0 mtu 1500"],
    ["fail", "has MTU 1500, eth0 1400", [mtu("eth0", 1400)], [], "ip link set eth0 mtu 1400"],
  ])("%s: %s", (verdict, text, container, guest, mend) => {
    expectFinding(judge(container, guest), verdict, text, mend);
  });

  it("fails when full frames are lost, and warns without a probe", () => {
    expectFinding(judge([], [], LOST), "fail", "frames of 1500 do not pass");
    expectFinding(mtuFinding(scene(), undefined), "warn", "not tried");
  });
});

describe("ipv6Finding", () => {
  const judge = (container: readonly Change[], guest: readonly Change[] = [], ping = LOST) =>
    ipv6Finding(scene({ container, guest }), ping);
  const ADDRESS: Change = ['{"local":"fd6b:646f:636b:3::1","prefixlen":64,"scope":"global"},', ""];

  it("is ok with a reply, or without IPv6", () => {
    expectFinding(judge([], [], ANSWERED), "ok", "0.5 ms");
    expectFinding(judge([["KDOCK_GATEWAY6=fd6b:646f:636b:3::1/64\n", ""]]), "ok", "IPv4 only");
    expectFinding(
      judge([["%no-gateway6\n", "%no-gateway6\nno ip6tables\n"]]),
      "ok",
      "no ip6tables",
    );
    expectFinding(judge([], [["%ipv6\nyes", "%ipv6\n"]]), "ok", "CONFIG_IPV6");
  });

  it("names the cause of a failure", () => {
    expectFinding(judge([ADDRESS]), "fail", "br0 has no fd6b", "replace fe80::1 dev br0 nodad");
    expectFinding(
      judge([], [["inet6 fd6b:646f:636b:3::2/64", "none"]]),
      ...([
        "fail",
        "only a link-local IPv6 address",
        "ip addr add fd6b:646f:636b:3::2/64 dev eth0",
      ] as const),
    );
    expectFinding(judge([]), "fail", "no answer", "ip6tables -S");
    expectFinding(judge([["%shape\n", "%shape\nnetem loss 100%\n"]]), "fail", "", "shape off");
    expectFinding(judge([['"tap0","flags":["UP"]', '"tap0","flags":[]']]), "warn", "not tried");
  });
});

describe("inwardFinding and portFinding", () => {
  const probe = { ms: undefined, error: "", arrived: false };
  const judge = (container: readonly Change[], more: Partial<typeof probe> = {}) =>
    inwardFinding(scene({ container }), FINE, { ...probe, ...more });

  it("judge the path from the container", () => {
    expectFinding(inwardFinding(scene(), FINE, { ...probe, ms: 3 }), "ok", "TCP in 3.0 ms");
    expectFinding(judge([], { error: "Connection refused" }), "fail", "the guest refuses");
    expectFinding(judge([], { arrived: true }), "fail", "although segments reach the guest");
    expectFinding(inwardFinding(scene(), FAILED, probe), "warn", "a failure above");
    expectFinding(
      judge([[FORWARD_IN, `${FORWARD_IN}-A OUTPUT -o br0 -j DROP\n`]]),
      ...(["fail", "packets to the guest", "-D OUTPUT -o br0 -j DROP"] as const),
    );
  });

  const published = { protocol: "tcp", host: "127.0.0.1:18080", port: 8080 } as const;
  const lost = { kind: "lost", why: "connection refused" } as const;
  const RULE =
    "-A PREROUTING ! -i br0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 10.0.3.2:80";
  const port = (container: readonly Change[], found: Parameters<typeof portFinding>[3] = lost) =>
    portFinding(scene({ container }), [FINE], published, found);

  it("judge the path from the host", () => {
    const where = "host 127.0.0.1:18080/tcp → guest :80";
    expectFinding(port([], { kind: "reached", ms: 8.7 }), "ok", `${where}: 8.7 ms`);
    expectFinding(port([], { kind: "busy" }), "ok", "a program in the guest listens there");
    expectFinding(port([], { kind: "not tried", why: "for a reason" }), "warn", "for a reason");
    expectFinding(port([]), "fail", "connection refused", "docker port kdock-x-vm");
    expectFinding(portFinding(scene(), [FAILED], published, lost), "warn", "a failure above");
  });

  it("fail without the rules, even if a program in the guest listens", () => {
    expectFinding(port([[`${RULE}\n`, ""]], { kind: "busy" }), "fail", "no rule redirects", "DNAT");
    expectFinding(port([[RULE, RULE.replace("3.2:80", "3.9:80")]]), "fail", "port elsewhere");
    expectFinding(
      port([[PUBLISHED_IN, ""]]),
      ...(["fail", "policy of filter FORWARD is DROP", "--ctstate DNAT -j ACCEPT"] as const),
    );
  });
});

describe("neighbourFinding", () => {
  const judge = (found: Partial<Parameters<typeof neighbourFinding>[2]>, change?: Change) =>
    neighbourFinding(scene({ container: change === undefined ? [] : [change] }), FINE, {
      ...{ name: "b", mode: "bridge", ping: LOST },
      ...found,
    });
  const unknown = { ...LOST, error: "bad address 'b'" };

  it("is ok with replies", () => {
    expectFinding(judge({ ping: ANSWERED }), "ok", "guest → b: 3 of 3 answered");
  });

  it.each(["user", "none", "host"] as const)(
    "is ok without replies from a VM in mode %s",
    (mode) => {
      expectFinding(judge({ mode }), "ok", `network mode is bridge, that of b is ${mode}`);
    },
  );

  it("names the cause of a failure, or warns without a probe", () => {
    const alone: Change = [
      '"lan0","flags":["UP"],"mtu":1500,"master":"br0"',
      '"lan0","flags":[],"mtu":1500',
    ];
    expectFinding(
      judge({}, alone),
      "fail",
      "not connected to the project's shared network",
      "kdock up",
    );
    expectFinding(judge({ ping: unknown }), "fail", "cannot resolve the name");
    expectFinding(
      neighbourFinding(scene(), FAILED, { name: "b", mode: "bridge", ping: unknown }),
      "warn",
      "not tried",
    );
    expectFinding(judge({ ping: undefined }), "warn", "not tried");
    const other = { fault: { text: "tap0 is down", mend: "up" }, paused: undefined };
    expectFinding(judge({ other }), "fail", "on its side, tap0 is down", "up");
    expectFinding(judge({ other: { ...other, paused: "it is stopped" } }), "fail", "is stopped");
    expectFinding(judge({}), "fail", "no answer", "kdock net check --vm b");
  });
});

it("no finding fails for a guest that does not respond", () => {
  const container = scene().container;
  const all = { names: NAMES, container, guest: untouchedGuest(container) };
  const findings = [
    gatewayFinding(all, undefined),
    containerFinding(all, FAILED, undefined),
    natFinding(all, undefined),
    inwardFinding(all, FAILED, undefined),
    dnsFinding(all, FAILED, undefined),
    mtuFinding(all, undefined),
    ipv6Finding(all, undefined),
  ];
  expect(findings.filter(({ verdict }) => verdict !== "warn")).toEqual([]);
});
