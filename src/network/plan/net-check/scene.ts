import { LINK } from "../../../core/plan/names.js";
import { bounds, toText } from "../../../config/ipv4.js";
import { type Finding, ok, warn } from "../../../core/plan/finding.js";
import type { ContainerFacts, GuestFacts } from "./facts.js";
import { isIn } from "./firewall.js";
import { ms, type Ping } from "./ping.js";

/** Names of the VM, for commands in messages. */
export interface Names {
  readonly container: string;
  /** "kdock exec --", with the VM's flag where there are several. */
  readonly exec: string;
  readonly vm: string;
  /** "", or " --vm NAME", to append to a command. */
  readonly suffix: string;
}

/** Whether the guest responds. */
export type GuestState =
  | { readonly kind: "answers"; readonly ms: number; readonly facts: GuestFacts }
  /** `why`: the finding's text; `mend`: the fix. */
  | { readonly kind: "silent"; readonly why: string; readonly mend: string };

/** The state that verdicts are derived from. */
export interface Scene {
  readonly names: Names;
  readonly container: ContainerFacts;
  readonly guest: GuestFacts;
}

export interface Fault {
  readonly text: string;
  readonly mend: string;
}

export const RECREATE = "`kdock stop` and `kdock run` create the network again";

export const AFTER_FAILURE = "because of a failure above";

export function notTried(subject: string, where: string): Finding {
  return warn(subject, `${where}: not tried, ${AFTER_FAILURE}`);
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
      ? "Check the machine's load; `kdock capture icmp` shows what passes."
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
  return `\`docker exec ${container} sysctl -w ${setting}\`; if it is not permitted, ${RECREATE}.`;
}

export function addDefault({ exec }: Names, container: ContainerFacts): string {
  return `\`${exec} ip route add default via ${gatewayOf(container)}\``;
}

/** A fault in the guest, derived from ping's error. */
export function guestFault(
  { names, guest, container }: Scene,
  ping: Ping,
  to: string,
): Fault | undefined {
  const { error = "" } = ping;
  if (error.includes("permitted")) {
    return {
      text: "the guest's firewall blocks outgoing packets (Operation not permitted)",
      mend: `In the guest: \`${names.exec} iptables -P OUTPUT ACCEPT\`; \`-S\` lists its rules.`,
    };
  }
  if (error.includes("unreachable")) {
    const isNear = isIn(networkOf(container), to);
    return {
      text: `the guest has no route to ${to}`,
      mend: isNear
        ? `\`${names.exec} ip route add ${networkOf(container)} dev ${guest.card}\``
        : addDefault(names, container),
    };
  }
  if (error !== "" && !error.includes("bad address")) {
    return {
      text: `the guest cannot ping: ${error}`,
      mend: "Its kernel needs CONFIG_INET and raw sockets, its busybox the applet ping.",
    };
  }
  return undefined;
}

export function guestFirewall({ names }: Scene, text: string): Fault {
  return {
    text: `${text}, perhaps because of the guest's firewall`,
    mend: `In the guest, if it has iptables: \`${names.exec} iptables -P INPUT ACCEPT\`; \`-S\` lists its rules.`,
  };
}

/** Shaping or a queueing discipline that may lose or delay frames. */
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
    text: `no answer, and ${LINK.tap} has a queueing discipline: ${qdisc}`,
    mend: `\`docker exec ${names.container} tc qdisc del dev ${LINK.tap} ${where}\``,
  };
}
