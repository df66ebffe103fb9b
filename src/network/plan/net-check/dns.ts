import { fail, type Finding, ok } from "../../../core/plan/finding.js";
import { ARRIVING, firstMatch, LEAVING, type Packet } from "./firewall.js";
import { replyTo, ruleFault, toGateway } from "./rule-faults.js";
import { type Fault, gatewayOf, notTried, RECREATE, type Scene } from "./scene.js";

export interface DnsProbe {
  readonly whose: "the guest's own" | "the other container's";
  readonly name: string;
  readonly expected: string;
  /** The answers of the guest's resolver and of the gateway's dnsmasq. */
  readonly answer: string;
  readonly fromGateway: string;
}

export function dnsFinding(scene: Scene, gateway: Finding, probe: DnsProbe | undefined): Finding {
  const { container, guest, names } = scene;
  const subject = "DNS";
  const server = gatewayOf(container);
  const where = `the guest asks ${guest.resolvers.join(", ") || "no server"}`;
  if (probe?.answer.includes(probe.expected) === true) {
    return ok(subject, `${where}: ${probe.whose} name is ${probe.expected}`);
  }
  if (guest.resolvers.length === 0 && guest.addresses.length > 0) {
    return fail(
      subject,
      "the guest has no resolver in /etc/resolv.conf",
      `\`${names.exec} sh -c 'echo nameserver ${server} > /etc/resolv.conf'\``,
    );
  }
  if (container.mode === "bridge") {
    if (!container.dnsmasq.runs) {
      const { lastError } = container.dnsmasq;
      const reason = lastError === "" ? "" : `; its last error: ${lastError}`;
      return fail(
        subject,
        `${where}: dnsmasq does not run in the VM's container${reason}`,
        `${RECREATE}.`,
      );
    }
    const query = toGateway(container, { protocol: "udp", port: 53 });
    const fault =
      ruleFault(scene, ARRIVING, query, "the guest's queries") ??
      ruleFault(scene, LEAVING, replyTo(query), "the replies") ??
      engineResolverFault(scene);
    if (fault !== undefined) return fail(subject, `${where}: ${fault.text}`, fault.mend);
  }
  if (probe?.fromGateway.includes(probe.expected) === true) {
    return fail(
      subject,
      `${where}: no answer, while ${server} has one`,
      `\`${names.exec} sh -c 'echo nameserver ${server} > /etc/resolv.conf'\``,
    );
  }
  if (gateway.verdict === "fail" || probe === undefined) return notTried(subject, where);
  return fail(
    subject,
    `${where}: no address for ${probe.whose} name`,
    `Query the container's resolver: \`docker exec ${names.container} getent hosts ${probe.name}\`; ${RECREATE}.`,
  );
}

/** The engine redirects 127.0.0.11:53 to its resolver with nat rules in the container. */
function engineResolverFault({ container }: Scene): Fault | undefined {
  const { resolver, firewall } = container;
  if (resolver !== "127.0.0.11") return undefined;
  const packet: Packet = {
    ...{ out: "lo", source: resolver, destination: resolver },
    ...{ protocol: "udp", port: 53, state: "NEW" },
  };
  const rule = firstMatch(firewall, "nat", "OUTPUT", packet);
  if (rule?.target === "DNAT") return undefined;
  return {
    text: "the engine's rules for its resolver 127.0.0.11 are missing (nat OUTPUT): was the nat table flushed?",
    mend: `Only a new container gets them: ${RECREATE}.`,
  };
}
