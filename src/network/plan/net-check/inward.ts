import { LINK } from "../../../core/plan/names.js";
import { fail, type Finding, ok, warn } from "../../../core/plan/finding.js";
import { ARRIVING, firstMatch, FORWARDED, LEAVING, type Packet, type Rule } from "./firewall.js";
import { forwardFault } from "./outside.js";
import { ms } from "./ping.js";
import { answerTo, OUTSIDE, ruleFault, toGateway } from "./rule-faults.js";
import { guestFirewall, notTried, type Scene } from "./scene.js";

/** How a port of the host led to the guest. */
export type PortProbe =
  | { readonly kind: "reached"; readonly ms: number }
  /** The guest's own program listens there: it was left alone. */
  | { readonly kind: "busy" }
  | { readonly kind: "lost"; readonly why: string }
  | { readonly kind: "not tried"; readonly why: string };

export interface PublishedPort {
  readonly protocol: "tcp" | "udp";
  /** Of the host: "127.0.0.1:18080". */
  readonly host: string;
  /** Of the container. */
  readonly port: number;
}

/** Host → guest through one published port. */
export function portFinding(
  scene: Scene,
  /** Of the hops that this one leads over. */
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
      `${where}: a program of the guest's listens there, and was left alone; the rules are in place`,
    );
  }
  if (probe.kind === "lost" && before.some(({ verdict }) => verdict === "fail")) {
    return warn(subject, `${where}: not reached, because of what is wrong above`);
  }
  if (probe.kind === "not tried") return warn(subject, `${where}: not tried, ${probe.why}`);
  return fail(
    subject,
    `${where}: ${probe.why}`,
    `\`kdock capture${names.suffix} --side both port ${guestPort}\` shows how far it comes; \`docker port ${names.container}\` what the engine publishes.`,
  );
}

function dnatFault(scene: Scene, { protocol, port }: PublishedPort, guestPort: number) {
  const { container, names } = scene;
  const { guest, uplink, firewall, defaultRoute, mode } = container;
  const came = { in: uplink, source: defaultRoute ?? OUTSIDE, protocol, state: "NEW" } as const;
  const [own = ""] = container.links.get(uplink)?.addresses ?? [];
  const arriving: Packet = { ...came, destination: own.split("/")[0] ?? "", port };
  const rule = firstMatch(firewall, "nat", "PREROUTING", arriving);
  const target = `${guest}:${guestPort}`;
  const notBridge = mode === "bridge" ? `! -i ${LINK.bridge} ` : "";
  if (rule?.target !== "DNAT" || !leadsTo(rule, target)) {
    const add = `iptables -t nat -A PREROUTING ${notBridge}-p ${protocol} --dport ${port} -j DNAT --to-destination ${target}`;
    const before =
      rule === undefined
        ? "no rule leads to the guest (nat PREROUTING)"
        : `a rule leads elsewhere: ${rule.text}`;
    return { text: before, mend: `\`docker exec ${names.container} ${add}\`` };
  }
  if (mode !== "bridge") return undefined;
  const to = { destination: guest, port: guestPort, isRedirected: true };
  const onward: Packet = { ...came, out: LINK.bridge, ...to };
  return (
    forwardFault(scene, came.source) ??
    ruleFault(scene, FORWARDED, onward, "what comes from the host") ??
    ruleFault(scene, FORWARDED, answerTo(onward), "the guest's answers")
  );
}

function leadsTo({ options }: Rule, target: string): boolean {
  const to = options[options.indexOf("--to-destination") + 1];
  return to === target || to === target.split(":")[0];
}

/** The VM's container → a port of the guest: what published ports end with, also where there are none. */
export interface InwardProbe {
  readonly ms: number | undefined;
  /** What the container's socat said. */
  readonly complaint: string;
  /** Segments that came to the guest meanwhile. */
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
      ? "; no port of it is published (`kdock run -p 8080:80` does)"
      : "";
  if (probe?.ms !== undefined) return ok(subject, `${where}: TCP in ${ms(probe.ms)}${published}`);
  const hasAddress = guest.addresses.some((each) => each.startsWith(`${container.guest}/`));
  if (probe === undefined || !hasAddress) return notTried(subject, where);
  const call = answerTo(toGateway(container, { protocol: "tcp" }));
  const fault =
    ruleFault(scene, LEAVING, { ...call, state: "NEW" }, "what goes to the guest") ??
    ruleFault(scene, ARRIVING, answerTo(call), "what the guest answers");
  if (fault === undefined && gateway.verdict === "fail") {
    return warn(subject, `${where}: not reached, because of what is wrong above`);
  }
  const found =
    fault ??
    (/refused/i.test(probe.complaint)
      ? {
          text: "the guest refuses",
          mend: `Does something in it refuse connections? \`${names.exec} iptables -S\``,
        }
      : guestFirewall(
          scene,
          `no answer${probe.arrived ? ", though segments come to the guest" : ""}`,
        ));
  return fail(subject, `${where}: ${found.text}`, found.mend);
}
