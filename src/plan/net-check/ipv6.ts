import { fail, type Finding, ok } from "../finding.js";
import { ms, type Ping } from "./ping.js";
import { ANEW, notTried, type Scene } from "./scene.js";

/** The same with IPv6, where the VM has it. */
export function ipv6Finding({ container, guest, names }: Scene, ping: Ping | undefined): Finding {
  const subject = "IPv6";
  const { guest6 } = container;
  const gateway = container.gateway6.split("/")[0] ?? "";
  if (gateway === "") return ok(subject, "none: this VM's network is IPv4 only");
  if (!guest.hasIpv6) {
    return fail(subject, "the guest's kernel has no IPv6", "Build it with CONFIG_IPV6=y.");
  }
  const bridge = container.links.get("br0");
  if (container.mode === "bridge" && !bridge?.addresses.includes(container.gateway6)) {
    return fail(
      subject,
      `br0 has no ${container.gateway6}`,
      `\`docker exec ${names.container} ip addr add ${container.gateway6} dev br0\``,
    );
  }
  if (guest.addresses6.length === 0) {
    return fail(
      subject,
      `${guest.card} has no IPv6 address but its own link's`,
      `\`${names.exec} ip addr add ${guest6}/64 dev ${guest.card}\``,
    );
  }
  const where = `guest ${guest.addresses6[0] ?? ""} → gateway ${gateway}`;
  if (ping === undefined) return notTried(subject, where);
  if (ping.received > 0) {
    return ok(subject, `${where}: ${ping.ms === undefined ? "answers" : ms(ping.ms)}`);
  }
  return fail(
    subject,
    `${where}: no answer${ping.complaint === undefined ? "" : ` (${ping.complaint})`}`,
    `Do rules drop it? \`docker exec ${names.container} ip6tables -S\`; ${ANEW}.`,
  );
}
