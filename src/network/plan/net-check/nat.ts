import { LINK } from "../../../core/plan/names.js";
import { fail, type Finding, ok, warn } from "../../../core/plan/finding.js";
import { firstMatch } from "./firewall.js";
import type { OutsideProbe } from "./outside.js";
import { OUTSIDE, toOutside } from "./rule-faults.js";
import { type Fault, networkOf, type Scene } from "./scene.js";

/** The address that the outside sees. */
export function natFinding(scene: Scene, probe: OutsideProbe | undefined): Finding {
  const subject = "NAT";
  const { mode, guest } = scene.container;
  const fault = natFault(scene);
  if (fault !== undefined) return fail(subject, fault.text, fault.mend);
  const tried = probe?.kind === "tried" ? probe : undefined;
  const seenAs = tried?.seenAs ?? "";
  if (seenAs === "") return warn(subject, "not seen: nothing of the guest came through");
  if (mode === "host" ? seenAs !== guest : seenAs === tried?.expected) {
    return ok(subject, `the other container sees ${seenAs}, not ${guest}`);
  }
  return fail(
    subject,
    `the other container sees ${seenAs}, and not the VM's container, ${tried?.expected ?? ""}`,
    `Which rule does that? \`docker exec ${scene.names.container} iptables -t nat -S POSTROUTING\``,
  );
}

/** Why the guest's packets may not leave with the container's address; undefined when a rule sees to that. */
export function natFault({ container, names }: Scene): Fault | undefined {
  if (container.mode !== "bridge") return undefined;
  // There, a packet has no interface any more by which it came.
  const leaving = { ...toOutside(container, OUTSIDE, { protocol: "icmp" }), in: undefined };
  const rule = firstMatch(container.firewall, "nat", "POSTROUTING", leaving);
  if (rule !== undefined && /^(MASQUERADE|SNAT)$/.test(rule.target)) return undefined;
  const add = `iptables -t nat -A POSTROUTING -s ${networkOf(container)} ! -o ${LINK.bridge} -j MASQUERADE`;
  return rule === undefined
    ? {
        text: "no MASQUERADE rule for the guest's network: its packets would leave with its own address",
        mend: `\`docker exec ${names.container} ${add}\``,
      }
    : {
        text: `a rule before MASQUERADE lets the guest's packets leave with its own address: ${rule.text}`,
        mend: `\`docker exec ${names.container} iptables -t nat ${rule.text.replace(/^-A/, "-D")}\``,
      };
}
