import { LINK } from "../../../core/plan/names.js";
import { bounds, toText } from "../../../config/ipv4.js";
import { type Finding, ok, warn } from "../../../core/plan/finding.js";
import type { ContainerFacts, GuestFacts } from "./facts.js";
import { isIn } from "./firewall.js";
import { ms, type Ping } from "./ping.js";

/** How the VM is called, for advice that can be typed. */
export interface Names {
  readonly container: string;
  /** "kdock exec --", with the VM's flag where there are several. */
  readonly exec: string;
  readonly vm: string;
  /** "", or " --vm NAME": what follows a command. */
  readonly suffix: string;
}

/** How far the guest can be asked. */
export type GuestState =
  | { readonly kind: "answers"; readonly ms: number; readonly facts: GuestFacts }
  /** `why` as a person would say it; `mend` what to do. */
  | { readonly kind: "silent"; readonly why: string; readonly mend: string };

/** All that hops are judged by. */
export interface Scene {
  readonly names: Names;
  readonly container: ContainerFacts;
  readonly guest: GuestFacts;
}

export interface Fault {
  readonly text: string;
  readonly mend: string;
}

export const ANEW = "`kdock stop` and `kdock run` make the network anew";

export function notTried(subject: string, where: string): Finding {
  return warn(subject, `${where}: not tried, because of what is wrong above`);
}

export function lossy(
  subject: string,
  text: string,
  ping: Ping,
  { container, names }: Scene,
): Finding {
  const received = `${ping.received} of ${ping.sent} answered${ping.ms === undefined ? "" : `, ${ms(ping.ms)}`}`;
  const shaped = container.shape === "" ? "" : ` (shaped: ${container.shape})`;
  if (ping.received >= ping.sent) return ok(subject, `${text}: ${received}${shaped}`);
  const mend =
    container.shape === ""
      ? "Is the machine under load? `kdock capture icmp` shows what passes."
      : `\`kdock net shape${names.suffix} off\``;
  return warn(subject, `${text}: ${received}${shaped}`, mend);
}

export function gatewayOf({ gateway }: ContainerFacts): string {
  return gateway.split("/")[0] ?? "";
}

export function prefixOf({ gateway }: ContainerFacts): string {
  return gateway.split("/")[1] ?? "24";
}

export function networkOf(container: ContainerFacts): string {
  const prefix = prefixOf(container);
  const [first] = bounds(`${gatewayOf(container)}/${prefix}`);
  return `${toText(first)}/${prefix}`;
}

export function setSysctl({ container }: Names, setting: string): string {
  return `\`docker exec ${container} sysctl -w ${setting}\`; where the container may not write that, ${ANEW}.`;
}

export function addDefault({ exec }: Names, container: ContainerFacts): string {
  return `\`${exec} ip route add default via ${gatewayOf(container)}\``;
}

/** What ping itself says about the guest's side. */
export function guestFault(
  { names, guest, container }: Scene,
  ping: Ping,
  to: string,
): Fault | undefined {
  const { complaint = "" } = ping;
  if (complaint.includes("permitted")) {
    return {
      text: "the guest's own firewall lets nothing out (Operation not permitted)",
      mend: `In the guest: \`${names.exec} iptables -P OUTPUT ACCEPT\`, or \`-S\` to see its rules.`,
    };
  }
  if (complaint.includes("unreachable")) {
    const isNear = isIn(networkOf(container), to);
    return {
      text: `the guest has no route to ${to}`,
      mend: isNear
        ? `\`${names.exec} ip route add ${networkOf(container)} dev ${guest.card}\``
        : addDefault(names, container),
    };
  }
  if (complaint !== "" && !complaint.includes("bad address")) {
    return {
      text: `the guest cannot ping: ${complaint}`,
      mend: "Its kernel needs CONFIG_INET and raw sockets, its busybox the applet ping.",
    };
  }
  return undefined;
}

export function guestFirewall({ names }: Scene, text: string): Fault {
  return {
    text: `${text}: does the guest's own firewall drop it?`,
    mend: `In the guest, as far as it has the program: \`${names.exec} iptables -P INPUT ACCEPT\`, or \`-S\` to see its rules.`,
  };
}

/** Something that was asked to lose frames, or to hold them up. */
export function disturbance({ container, names }: Scene): Fault | undefined {
  if (container.shape !== "") {
    return {
      text: `no answer in time, and frames to the guest are shaped: ${container.shape}`,
      mend: `\`kdock net shape${names.suffix} off\``,
    };
  }
  const [qdisc] = container.qdiscs;
  if (qdisc === undefined) return undefined;
  const kind = qdisc.split(" ")[1] ?? "";
  const where = kind === "ingress" || kind === "clsact" ? kind : "root";
  return {
    text: `no answer, and ${LINK.tap} has a discipline: ${qdisc}`,
    mend: `\`docker exec ${names.container} tc qdisc del dev ${LINK.tap} ${where}\``,
  };
}
