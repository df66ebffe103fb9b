import { counter } from "./facts.js";

/** What busybox's ping said, and what the guest's kernel counted meanwhile. */
export interface Ping {
  readonly sent: number;
  readonly received: number;
  /** Of the round trips, on average; undefined when there was none. */
  readonly ms: number | undefined;
  /** What ping complained of: "sendto: Network unreachable". */
  readonly complaint: string | undefined;
  /** IP packets that came to the guest, and answers to pings that it took in. */
  readonly arrived: number;
  readonly taken: number;
}

/** Runs in the guest; $@ is ping's. */
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
  const [said = "", after = ""] = rest.split(/^%after\n/m);
  const [, sent = "0", received = "0"] =
    /(\d+) packets transmitted, (\d+) (?:packets )?received/.exec(said) ?? [];
  const average = /= [\d.]+\/([\d.]+)\//.exec(said)?.[1];
  const grew = (protocol: string, name: string) =>
    counter(after, protocol, name) - counter(before, protocol, name);
  return {
    sent: Number(sent),
    received: Number(received),
    ms: average === undefined ? undefined : Number(average),
    complaint:
      /^ping6?: (.*)$/m.exec(said)?.[1] ?? (said.includes("not found") ? said.trim() : undefined),
    arrived: grew("Ip", "InReceives"),
    taken: grew("Icmp", "InEchoReps"),
  };
}

/** "0.4 ms", "102 ms". */
export function ms(value: number): string {
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
}
