import { fail, type Finding, ok } from "../../../core/plan/finding.js";
import { ARRIVING, firstMatch, LEAVING, type Packet } from "./firewall.js";
import { answerTo, ruleFault, toGateway } from "./rule-faults.js";
import { ANEW, type Fault, gatewayOf, notTried, type Scene } from "./scene.js";

export interface DnsProbe {
  readonly whose: "the guest's own" | "the other container's";
  readonly name: string;
  readonly expected: string;
  /** What the guest's own resolver answered, and the gateway's dnsmasq when asked directly. */
  readonly answer: string;
  readonly fromGateway: string;
}

export function dnsFinding(scene: Scene, gateway: Finding, probe: DnsProbe | undefined): Finding {
  const { container, guest, names } = scene;
  const subject = "DNS";
  const server = gatewayOf(container);
  const where = `the guest asks ${guest.resolvers.join(", ") || "nobody"}`;
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
      const { lastWords } = container.dnsmasq;
      const said = lastWords === "" ? "" : `; its last words: ${lastWords}`;
      return fail(
        subject,
        `${where}: dnsmasq does not run in the VM's container${said}`,
        `${ANEW}.`,
      );
    }
    const ask = toGateway(container, { protocol: "udp", port: 53 });
    const fault =
      ruleFault(scene, ARRIVING, ask, "the guest's questions") ??
      ruleFault(scene, LEAVING, answerTo(ask), "the answers") ??
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
    `What does the container's resolver say? \`docker exec ${names.container} getent hosts ${probe.name}\`; ${ANEW}.`,
  );
}

/** The engine's resolver inside a container is reached through two rules of its own. */
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
    text: "the engine's rules that lead to its resolver 127.0.0.11 are gone (nat OUTPUT): was the table nat flushed?",
    mend: `Only a new container has them again: ${ANEW}.`,
  };
}
