// By hand, and not with zod: flags are defined without it.

const BYTE = "(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";
const IPV4 = new RegExp(`^(?:${BYTE}\\.){3}${BYTE}$`);
/** More would be no address to the parser of URLs, or would be removed by it. */
const IPV6_LETTERS = /^[\da-f:.]+$/i;

export function isIpv4(text: string): boolean {
  return IPV4.test(text);
}

/** Without brackets. */
export function isIpv6(text: string): boolean {
  return IPV6_LETTERS.test(text) && URL.canParse(`http://[${text}]`);
}
