/** An address as a number, because a network is a range of these: "10.0.3.1" is 167772929. NaN for what is no address. */
export function toNumber(address: string): number {
  return address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
}

export function toText(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join(".");
}

/** First and last address of the network that "10.0.3.1/24" is in; without a prefix, that address alone. */
export function bounds(network: string): readonly [first: number, last: number] {
  const [address = "", prefix = "32"] = network.split("/");
  const size = 2 ** (32 - Number(prefix));
  const first = Math.floor(toNumber(address) / size) * size;
  return [first, first + size - 1];
}
