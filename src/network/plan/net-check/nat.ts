import { LINK } from "../../../core/plan/names.js";
import { fail, type Finding, ok, warn } from "../../../core/plan/finding.js";
import { firstMatch } from "./firewall.js";
import type { OutsideProbe } from "./outside.js";
import { OUTSIDE, toOutside } from "./rule-faults.js";
import { type Fault, networkOf, type Scene } from "./scene.js";

/** The guest's address as the outside sees it. */
export function natFinding(scene: Scene, probe: OutsideProbe | undefined): Finding {
  const subject = "NAT";
  const { mode, guest } = scene.container;
  const fault = natFault(scene);
  if (fault !== undefined) return fail(subject, fault.text, fault.mend);
  const tried = probe?.kind === "tried" ? probe : undefined;
  const seenAs = tried?.seenAs ?? "";
  if (seenAs === "") return warn(subject, "not tested: no connection came through");
  if (mode === "host" ? seenAs !== guest : seenAs === tried?.expected) {
    return ok(subject, `the other container sees ${seenAs}, not ${guest}`);
  }
  return fail(
    subject,
    `the other container sees ${seenAs} instead of the VM's container, ${tried?.expected ?? ""}`,
    `Look for the rule: \`docker exec ${scene.names.container} iptables -t nat -S POSTROUTING\``,
  );
}

/** Why the guest's packets would not leave with the container's address; undefined if a rule translates them. */
export function natFault({ container, names }: Scene): Fault | undefined {
  if (container.mode !== "bridge") return undefined;
  // POSTROUTING has no input interface.
  const leaving = { ...toOutside(container, OUTSIDE, { protocol: "icmp" }), in: undefined };
  const rule = firstMatch(container.firewall, "nat", "POSTROUTING", leaving);
  if (rule !== undefined && /^(MASQUERADE|SNAT)$/.test(rule.target)) return undefined;
  const add = `iptables -t nat -A POSTROUTING -s ${networkOf(container)} ! -o ${LINK.bridge} -j MASQUERADE`;
  return rule === undefined
    ? {
        text: "no MASQUERADE rule for the guest's network: packets would leave with the guest's address",
        mend: `\`docker exec ${names.container} ${add}\``,
      }
    : {
        text: `a rule before MASQUERADE lets packets leave with the guest's address: ${rule.text}`,
        mend: `\`docker exec ${names.container} iptables -t nat ${rule.text.replace(/^-A/, "-D")}\``,
      };
}
