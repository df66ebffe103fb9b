import { LINK } from "../../../core/plan/names.js";
import { fail, type Finding, ok, warn } from "../../../core/plan/finding.js";
import { ARRIVING, firstMatch, FORWARDED, LEAVING, type Packet, type Rule } from "./firewall.js";
import { forwardFault } from "./outside.js";
import { ms } from "./ping.js";
import { OUTSIDE, replyTo, ruleFault, toGateway } from "./rule-faults.js";
import { AFTER_FAILURE, guestFirewall, notTried, type Scene } from "./scene.js";

/** The result of connecting to a published port. */
export type PortProbe =
  | { readonly kind: "reached"; readonly ms: number }
  /** A program in the guest listens there: no connection was made. */
  | { readonly kind: "busy" }
  | { readonly kind: "lost"; readonly why: string }
  | { readonly kind: "not tried"; readonly why: string };

export interface PublishedPort {
  readonly protocol: "tcp" | "udp";
  /** Host address and port: "127.0.0.1:18080". */
  readonly host: string;
  /** The container's port. */
  readonly port: number;
}

/** Host → guest through one published port. */
export function portFinding(
  scene: Scene,
  /** The findings of the hops on the path. */
  before: readonly Finding[],
  published: PublishedPort,
  probe: PortProbe,
): Finding {
  const { container, names } = scene;
  const subject = "host";
  const mapping = container.published.find(
    ({ protocol, port }) => protocol === published.protocol && port === published.port,
  );
  const guestPort = mapping?.guestPort ?? published.port;
  const where = `host ${published.host}/${published.protocol} → guest :${guestPort}`;
  if (probe.kind === "reached") return ok(subject, `${where}: ${ms(probe.ms)}`);
  const fault = container.mode === "user" ? undefined : dnatFault(scene, published, guestPort);
  if (fault !== undefined) return fail(subject, `${where}: ${fault.text}`, fault.mend);
  if (probe.kind === "busy") {
    return ok(
      subject,
      `${where}: not tried, because a program in the guest listens there; the rules are in place`,
    );
  }
  if (probe.kind === "lost" && before.some(({ verdict }) => verdict === "fail")) {
    return warn(subject, `${where}: not reached, ${AFTER_FAILURE}`);
  }
  if (probe.kind === "not tried") return warn(subject, `${where}: not tried, ${probe.why}`);
  return fail(
    subject,
    `${where}: ${probe.why}`,
    `\`kdock capture${names.suffix} --side both port ${guestPort}\` shows how far packets get; \`docker port ${names.container}\` lists what the engine publishes.`,
  );
}

function dnatFault(scene: Scene, { protocol, port }: PublishedPort, guestPort: number) {
  const { container, names } = scene;
  const { guest, uplink, firewall, defaultRoute, mode } = container;
  const call = { in: uplink, source: defaultRoute ?? OUTSIDE, protocol, state: "NEW" } as const;
  const [own = ""] = container.links.get(uplink)?.addresses ?? [];
  const arriving: Packet = { ...call, destination: own.split("/")[0] ?? "", port };
  const rule = firstMatch(firewall, "nat", "PREROUTING", arriving);
  const target = `${guest}:${guestPort}`;
  const notBridge = mode === "bridge" ? `! -i ${LINK.bridge} ` : "";
  if (rule?.target !== "DNAT" || !redirectsTo(rule, target)) {
    const add = `iptables -t nat -A PREROUTING ${notBridge}-p ${protocol} --dport ${port} -j DNAT --to-destination ${target}`;
    const text =
      rule === undefined
        ? "no rule redirects the port to the guest (nat PREROUTING)"
        : `a rule redirects the port elsewhere: ${rule.text}`;
    return { text, mend: `\`docker exec ${names.container} ${add}\`` };
  }
  if (mode !== "bridge") return undefined;
  const to = { destination: guest, port: guestPort, isRedirected: true };
  const onward: Packet = { ...call, out: LINK.bridge, ...to };
  return (
    forwardFault(scene, call.source) ??
    ruleFault(scene, FORWARDED, onward, "packets from the host") ??
    ruleFault(scene, FORWARDED, replyTo(onward), "the guest's replies")
  );
}

function redirectsTo({ options }: Rule, target: string): boolean {
  const to = options[options.indexOf("--to-destination") + 1];
  return to === target || to === target.split(":")[0];
}

/** The VM's container → a port of the guest: the last hop of published ports, probed without them, too. */
export interface InwardProbe {
  readonly ms: number | undefined;
  /** The error of the container's socat. */
  readonly error: string;
  /** Whether packets reached the guest meanwhile. */
  readonly arrived: boolean;
}

export function inwardFinding(
  scene: Scene,
  gateway: Finding,
  probe: InwardProbe | undefined,
): Finding {
  const { container, guest, names } = scene;
  const subject = "to guest";
  const where = `container → guest ${container.guest}`;
  const published =
    container.published.length === 0
      ? "; no port is published (`kdock run -p 8080:80` publishes one)"
      : "";
  if (probe?.ms !== undefined) return ok(subject, `${where}: TCP in ${ms(probe.ms)}${published}`);
  const hasAddress = guest.addresses.some((each) => each.startsWith(`${container.guest}/`));
  if (probe === undefined || !hasAddress) return notTried(subject, where);
  const call = replyTo(toGateway(container, { protocol: "tcp" }));
  const fault =
    ruleFault(scene, LEAVING, { ...call, state: "NEW" }, "packets to the guest") ??
    ruleFault(scene, ARRIVING, replyTo(call), "the guest's replies");
  if (fault === undefined && gateway.verdict === "fail") {
    return warn(subject, `${where}: not reached, ${AFTER_FAILURE}`);
  }
  const found =
    fault ??
    (/refused/i.test(probe.error)
      ? {
          text: "the guest refuses the connection",
          mend: `Check for a rule that rejects it: \`${names.exec} iptables -S\``,
        }
      : guestFirewall(
          scene,
          `no answer${probe.arrived ? ", although segments reach the guest" : ""}`,
        ));
  return fail(subject, `${where}: ${found.text}`, found.mend);
}
