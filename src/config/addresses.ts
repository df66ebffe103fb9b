import { isIpv4, isIpv6 } from "./ip-address.js";
import { bounds, toText } from "./ipv4.js";
import type { ListenAddress, PortForward } from "./values.js";

/** A value, or what is wrong with the text it was to come from. */
export type Parsed<T> = { readonly value: T } | { readonly problem: string };

const LOCALHOST = "127.0.0.1";
const MAX_PORT = 65_535;
const MIN_PREFIX = 8;
const MAX_PREFIX = 29;

/** "9090:90", "127.0.0.1:9090:90", "[::1]:9090:90", "5353:53/udp" */
export function parsePort(text: string): Parsed<PortForward> {
  const match = /^(?:(\[[^\]]*\]|[^:[\]]*):)?(\d+):(\d+)(?:\/(tcp|udp))?$/.exec(text);
  if (match === null) return { problem: `expected [ADDRESS:]HOST:GUEST[/udp], got "${text}"` };

  const [, address = LOCALHOST, host, guest, protocol] = match;
  const hostAddress = parseAddress(address);
  if ("problem" in hostAddress) return hostAddress;
  const [hostPort, guestPort] = [Number(host), Number(guest)];
  if (hostPort > MAX_PORT || guestPort > MAX_PORT || guestPort === 0) {
    return { problem: `ports go from 1 to ${MAX_PORT}, got "${text}"` };
  }
  const name = protocol === "udp" ? "udp" : "tcp";
  return { value: { hostAddress: hostAddress.value, hostPort, guestPort, protocol: name } };
}

/** "1234", "127.0.0.1:1234", "[::1]:1234" */
export function parseListen(text: string): Parsed<ListenAddress> {
  const match = /^(?:(\[[^\]]*\]|[^:[\]]*):)?(\d+)$/.exec(text);
  if (match === null) return { problem: `expected ADDRESS:PORT or a port, got "${text}"` };

  const address = parseAddress(match[1] ?? LOCALHOST);
  if ("problem" in address) return address;
  const port = Number(match[2]);
  if (port > MAX_PORT) return { problem: `ports go up to ${MAX_PORT}, got ${port}` };
  return { value: { address: address.value, port } };
}

function parseAddress(text: string): Parsed<string> {
  if (text === "localhost") return { value: LOCALHOST };
  if (isIpv4(text)) return { value: text };
  const inner = /^\[(.*)\]$/.exec(text)?.[1];
  if (inner !== undefined && isIpv6(inner)) return { value: inner };
  return { problem: `"${text}" is not an IP address (IPv6 goes in brackets)` };
}

/** "10.0.3.0/24"; the address must be the network's own. */
export function parseSubnet(text: string): Parsed<string> {
  const [address = "", prefixText = "", ...rest] = text.split("/");
  const isCidr = rest.length === 0 && /^\d{1,2}$/.test(prefixText) && isIpv4(address);
  if (!isCidr) return { problem: `expected an IPv4 network such as 10.0.3.0/24, got "${text}"` };

  const prefix = Number(prefixText);
  if (prefix < MIN_PREFIX || prefix > MAX_PREFIX) {
    return { problem: `the prefix must be /${MIN_PREFIX} to /${MAX_PREFIX}, got /${prefix}` };
  }
  const network = `${toText(bounds(text)[0])}/${prefix}`;
  if (text !== network) return { problem: `${text} is not a network address; write ${network}` };
  return { value: text };
}
