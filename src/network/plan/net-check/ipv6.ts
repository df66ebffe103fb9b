import { LINK } from "../../../core/plan/names.js";
import { fail, type Finding, ok } from "../../../core/plan/finding.js";
import { wireFault } from "./gateway.js";
import { ms, type Ping } from "./ping.js";
import { disturbance, notTried, RECREATE, type Scene } from "./scene.js";

/** Guest → gateway over IPv6, if the VM has it. */
export function ipv6Finding(scene: Scene, ping: Ping | undefined): Finding {
  const { container, guest, names } = scene;
  const subject = "IPv6";
  const { guest6 } = container;
  const gateway = container.gateway6.split("/")[0] ?? "";
  if (gateway === "") return ok(subject, "none: this VM's network is IPv4 only");
  if (!guest.hasIpv6) {
    return ok(subject, "none: the guest's kernel is built without it (CONFIG_IPV6)");
  }
  if (container.noGateway6 !== "") {
    return ok(subject, `between guests only: ${container.noGateway6}`);
  }
  if (container.mode === "bridge") {
    if (wireFault({ container, names }) !== undefined) return notTried(subject, "guest → gateway");
    if (container.links.get(LINK.bridge)?.addresses.includes(container.gateway6) !== true) {
      // The link-local address is the gateway of the guest's default route; see images/vm/ipv6.sh.
      const add = [container.gateway6, `fe80::${gateway.split("::")[1] ?? "1"}`].map(
        (address) => `ip -6 addr replace ${address} dev ${LINK.bridge} nodad`,
      );
      return fail(
        subject,
        `${LINK.bridge} has no ${container.gateway6}: setting a link down removes its IPv6 addresses`,
        `\`docker exec ${names.container} sh -c '${add.join("; ")}'\``,
      );
    }
  }
  if (guest.addresses6.length === 0) {
    return fail(
      subject,
      `${guest.card} has only a link-local IPv6 address`,
      `\`${names.exec} ip addr add ${guest6}/64 dev ${guest.card}\``,
    );
  }
  const where = `guest ${guest.addresses6[0] ?? ""} → gateway ${gateway}`;
  if (ping === undefined) return notTried(subject, where);
  if (ping.received > 0) {
    return ok(subject, `${where}: ${ping.ms === undefined ? "answers" : ms(ping.ms)}`);
  }
  const disturbed = disturbance(scene);
  if (disturbed !== undefined) return fail(subject, `${where}: ${disturbed.text}`, disturbed.mend);
  return fail(
    subject,
    `${where}: no answer${ping.error === undefined ? "" : ` (${ping.error})`}`,
    `Check the rules: \`docker exec ${names.container} ip6tables -S\`; ${RECREATE}.`,
  );
}
