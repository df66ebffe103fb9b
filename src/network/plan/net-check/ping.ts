import { counter } from "./facts.js";

/** The result of busybox's ping, and the guest kernel's counters meanwhile. */
export interface Ping {
  readonly sent: number;
  readonly received: number;
  /** The average round-trip time; undefined without a reply. */
  readonly ms: number | undefined;
  /** ping's error: "sendto: Network unreachable". */
  readonly error: string | undefined;
  /** IP packets that the guest received, and echo replies that it accepted. */
  readonly arrived: number;
  readonly accepted: number;
}

/** Runs in the guest with ping's arguments. */
export const PING_SCRIPT = `
cat /proc/net/snmp 2>/dev/null
echo %ping
ping "$@" 2>&1
echo %after
cat /proc/net/snmp 2>/dev/null
exit 0
`;

export function parsePing(text: string): Ping {
  const [before = "", rest = ""] = text.split(/^%ping\n/m);
  const [output = "", after = ""] = rest.split(/^%after\n/m);
  const [, sent = "0", received = "0"] =
    /(\d+) packets transmitted, (\d+) (?:packets )?received/.exec(output) ?? [];
  const average = /= [\d.]+\/([\d.]+)\//.exec(output)?.[1];
  const increase = (protocol: string, name: string) =>
    counter(after, protocol, name) - counter(before, protocol, name);
  return {
    sent: Number(sent),
    received: Number(received),
    ms: average === undefined ? undefined : Number(average),
    error:
      /^ping6?: (.*)$/m.exec(output)?.[1] ??
      (output.includes("not found") ? output.trim() : undefined),
    arrived: increase("Ip", "InReceives"),
    accepted: increase("Icmp", "InEchoReps"),
  };
}

/** "0.4 ms", "102 ms". */
export function ms(value: number): string {
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
}
